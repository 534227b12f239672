import Addresses
import NIOCore

/// Asks servers where the masters are, the next one as soon as one has failed or is slow, until one knows.
struct Discovery {
    enum Action: Equatable {
        case ask(ListenAddress)
        /// Then ``slow(_:)`` with the same round.
        case hedge(round: Int)
        /// Then ``pauseEnded(_:)``.
        case pause(failures: Int)
        /// Then ``settled(_:)``.
        case settle
        /// What is still asked need not reply.
        case dismiss
        /// Nobody knows; the first time since somebody knew.
        case tellFailed(RedisError, isFirst: Bool)
    }

    private enum State {
        /// → asking
        case resting
        /// → settling, pausing
        case asking(rest: ArraySlice<ListenAddress>, open: Int, isOutdated: Bool)
        /// One knew just now, so that the next question waits. → resting, asking
        case settling(isOutdated: Bool)
        /// Nobody knew. → asking
        case pausing(RedisError)
    }

    /// How long one server is waited for before the next one is asked as well.
    static let patience = TimeAmount.milliseconds(250)
    /// The least time between an answer and the next question: servers that contradict each other are not asked all the
    /// time.
    static let settleTime = TimeAmount.milliseconds(100)

    private var state = State.resting
    private var round = 0
    private var failures = 0

    /// Whether it failed and is to be tried again, and why.
    var failure: RedisError? {
        guard case .pausing(let error) = self.state else { return nil }
        return error
    }

    /// The masters are unknown, or may have changed.
    mutating func start(_ sources: [ListenAddress]) -> [Action] {
        switch self.state {
        case .resting: return self.begin(sources)
        case .asking(let rest, let open, _):
            // What is on its way may have been said before the change.
            self.state = .asking(rest: rest, open: open, isOutdated: true)
            return []
        case .settling:
            self.state = .settling(isOutdated: true)
            return []
        case .pausing: return []
        }
    }

    mutating func settled(_ sources: [ListenAddress]) -> [Action] {
        guard case .settling(let isOutdated) = self.state else { return [] }
        self.state = .resting
        return isOutdated ? self.begin(sources) : []
    }

    mutating func pauseEnded(_ sources: [ListenAddress]) -> [Action] {
        guard case .pausing = self.state else { return [] }
        return self.begin(sources)
    }

    private mutating func begin(_ sources: [ListenAddress]) -> [Action] {
        self.round += 1
        self.state = .asking(rest: sources[...], open: 0, isOutdated: false)
        return self.next()
    }

    private mutating func next() -> [Action] {
        guard case .asking(var rest, let open, let isOutdated) = self.state, let source = rest.popFirst() else {
            return []
        }
        self.state = .asking(rest: rest, open: open + 1, isOutdated: isOutdated)
        return rest.isEmpty ? [.ask(source)] : [.ask(source), .hedge(round: self.round)]
    }

    mutating func slow(round: Int) -> [Action] {
        round == self.round ? self.next() : []
    }

    /// One that was asked does not know.
    mutating func failed(_ error: RedisError) -> [Action] {
        guard case .asking(let rest, let open, let isOutdated) = self.state else { return [] }
        self.state = .asking(rest: rest, open: open - 1, isOutdated: isOutdated)
        let actions = self.next()
        guard actions.isEmpty, open == 1 else { return actions }
        self.failures += 1
        self.round += 1
        self.state = .pausing(error)
        return [.tellFailed(error, isFirst: self.failures == 1), .pause(failures: self.failures)]
    }

    /// One that was asked knows.
    mutating func succeeded() -> [Action] {
        guard case .asking(_, _, let isOutdated) = self.state else { return [] }
        self.failures = 0
        self.round += 1
        self.state = .settling(isOutdated: isOutdated)
        return [.dismiss, .settle]
    }
}
