import Glibc
import NIOCore

/// A limit on a listener's connections besides descriptors, such as their number or their rate.
package protocol AcceptLimit: Sendable {
    /// The reason why connections wait, for the log.
    var reason: String { get }
    /// How long connections wait in the backlog before the limit is asked again; `nil` if they may be accepted now.
    ///
    /// Asked before each batch of accepts, on the listener's event loop or queue.
    func delay() -> TimeAmount?
    /// How many connections may be accepted before it is asked again, at least 1 while there is no delay.
    var room: Int { get }
}

extension AcceptLimit {
    package var room: Int { .max }
}

/// Decides when a listener accepts; shared by all listeners.
///
/// Connections wait in the backlog while a limit is reached, and for a while after an accept has failed: without free
/// descriptors the next one would fail at once as well. No I/O and no clock.
package struct AcceptGate {
    private enum State {
        /// Connections are accepted. Can become `paused`.
        case open
        /// Connections wait. Can become `pausedWithDemand` or `open`.
        case paused
        /// The listener was asked to accept meanwhile. Can become `open`.
        case pausedWithDemand
    }

    /// The action for the gate's owner.
    package enum Action: Hashable {
        case accept
        /// Accept nothing for this time, then call ``AcceptGate/pauseIsOver(_:)``. `reason` names the limit that was
        /// reached, if any.
        case pause(TimeAmount, reason: String?)
        case nothing
    }

    /// The length of the pause after an accept has failed.
    private static let failurePause = TimeAmount.milliseconds(100)
    /// The least time between two log lines about failures, or about limits.
    private static let logInterval = TimeAmount.seconds(60)

    private var state = State.open
    private var mayLogFailureAt = NIODeadline.uptimeNanoseconds(0)
    private var mayLogLimitAt = NIODeadline.uptimeNanoseconds(0)

    package init() {}

    /// Called before the next batch, or the next connection, is accepted.
    ///
    /// - Parameter limits: The first one that is reached closes the gate for a while.
    package mutating func next(_ limits: [any AcceptLimit]) -> Action {
        guard case .open = self.state else {
            self.state = .pausedWithDemand
            return .nothing
        }
        for limit in limits {
            if let delay = limit.delay() {
                self.state = .pausedWithDemand
                return .pause(delay, reason: limit.reason)
            }
        }
        return .accept
    }

    /// Pauses because the next connection must wait for those before it.
    package mutating func wait(_ time: TimeAmount) -> Action {
        self.state = .paused
        return .pause(time, reason: nil)
    }

    /// An accept has failed, with an error of the system if it is known.
    package mutating func failed(_ code: CInt?) -> Action {
        // A client that left before it was accepted does not affect the next one.
        guard code != ECONNABORTED, code != EINTR, case .open = self.state else {
            return .nothing
        }
        self.state = .paused
        return .pause(Self.failurePause, reason: nil)
    }

    /// - Returns: Another pause while a limit is reached; else `accept` if an accept was requested meanwhile.
    package mutating func pauseIsOver(_ limits: [any AcceptLimit]) -> Action {
        switch self.state {
        case .open:
            return .nothing
        case .paused:
            self.state = .open
            return .nothing
        case .pausedWithDemand:
            self.state = .open
            return self.next(limits)
        }
    }

    /// Whether a failure is worth a line in the log.
    package mutating func logsFailure(at now: NIODeadline) -> Bool {
        Self.logs(&self.mayLogFailureAt, now)
    }

    /// Whether a limit that is reached is worth a line in the log.
    package mutating func logsLimit(at now: NIODeadline) -> Bool {
        Self.logs(&self.mayLogLimitAt, now)
    }

    private static func logs(_ time: inout NIODeadline, _ now: NIODeadline) -> Bool {
        guard now >= time else {
            return false
        }
        time = now + Self.logInterval
        return true
    }
}
