import NIOCore

/// A connection to one server, made anew whenever it is lost: decides when to connect, when calls are written, which call a
/// reply is for, and which calls fail.
///
/// A call waits for the connection as long as fewer attempts in a row have failed than it may be tried; after that calls
/// fail at once, with the reason of the last failure, until an attempt succeeds.
struct LinkStateMachine {
    enum Action {
        case connect
        /// Part of the greeting; has a reply, but is no call.
        case greet(RedisCommand)
        case write(Call)
        case complete(Call, RESPValue)
        /// - isUnknown: Whether the server may have run the command.
        case fail(Call, RedisError, isUnknown: Bool)
        /// Whatever is there of a connection.
        case disconnect
        /// Then ``pauseEnded(now:)``.
        case pause(TimeAmount)
        /// The first failure after the connection was good, or ever.
        case tellLost(RedisError)
        /// Each failure.
        case tellFailed
        case tellReached
        /// Something has happened in the channel that the connection listens to.
        case tellHeard
    }

    private enum State {
        /// → connecting, closed
        case resting
        /// → greeting, pausing, closed
        case connecting(deadline: NIODeadline)
        /// → ready, pausing, closed
        case greeting(Greeting, deadline: NIODeadline)
        /// → pausing, closed
        case ready(since: NIODeadline, hasServed: Bool)
        /// → connecting, closed
        case pausing
        case closed
    }

    /// A written call.
    private struct Sent {
        var call: Call
        /// Replies before the call's own: that to `ASKING`.
        var skips: Int
        var writtenAt: NIODeadline
        /// When the system had taken it.
        var flushedAt: NIODeadline?
    }

    /// A connection that lasted so long was a good one, even if nothing was asked of it.
    private static let probation = TimeAmount.seconds(1)

    private let configuration: RedisConfiguration
    private let greeting: Greeting
    private let name: String
    private var state = State.resting
    /// For the connection.
    private var waiting: [Call] = []
    /// The first moment at which one of them has waited too long.
    private var waitingDeadline = NIODeadline.distantFuture
    private var sent = CircularBuffer<Sent>()
    /// Written calls since the connection was made: those that are no longer in `sent`, and those that the system has.
    private var answered = 0
    private var flushed = 0
    /// In a row.
    private var failures = 0
    private var lastError: RedisError?
    private var isLost = false

    /// - Parameter name: The server's address, for the texts of errors.
    init(_ configuration: RedisConfiguration, greeting: Greeting, name: String) {
        self.configuration = configuration
        self.greeting = greeting
        self.name = name
    }

    /// Whether no reply is awaited.
    var isIdle: Bool { self.sent.isEmpty }

    /// Calls since the connection was made.
    var written: Int { self.answered + self.sent.count }

    // MARK: The connection

    mutating func start(now: NIODeadline) -> [Action] {
        guard case .resting = self.state else { return [] }
        return self.connect(now: now)
    }

    private mutating func connect(now: NIODeadline) -> [Action] {
        self.state = .connecting(deadline: now + self.configuration.dialTimeout)
        return [.connect]
    }

    mutating func connected() -> [Action] {
        guard case .connecting(let deadline) = self.state else { return [] }
        self.state = .greeting(self.greeting, deadline: deadline)
        return [.greet(self.greeting.first)]
    }

    mutating func pauseEnded(now: NIODeadline) -> [Action] {
        guard case .pausing = self.state else { return [] }
        return self.connect(now: now)
    }

    /// The connection could not be made, or is lost, or must be given up.
    mutating func failed(_ error: RedisError, now: NIODeadline) -> [Action] {
        switch self.state {
        case .resting, .pausing, .closed: return []
        case .ready(let since, let hasServed) where hasServed || now - since >= Self.probation: self.failures = 0
        case .connecting, .greeting, .ready: break
        }
        self.failures += 1
        self.lastError = error
        self.state = .pausing
        var actions: [Action] = [.disconnect]
        if !self.isLost {
            self.isLost = true
            actions.append(.tellLost(error))
        }
        actions += self.sent.map { .fail($0.call, error, isUnknown: true) }
        self.sent.removeAll()
        if self.failsAtOnce {
            actions += self.giveBack().map { .fail($0, error, isUnknown: false) }
        }
        return actions + [.pause(self.configuration.backoff(after: self.failures)), .tellFailed]
    }

    private var failsAtOnce: Bool { self.failures > self.configuration.retries }

    /// Ends for good. All calls fail.
    mutating func close() -> [Action] {
        self.state = .closed
        let actions: [Action] = self.sent.map { .fail($0.call, .closed, isUnknown: true) }
        self.sent.removeAll()
        return [.disconnect] + actions + self.giveBack().map { .fail($0, .closed, isUnknown: false) }
    }

    /// Takes all calls that wait for the connection.
    mutating func giveBack() -> [Call] {
        defer {
            self.waiting = []
            self.waitingDeadline = .distantFuture
        }
        return self.waiting
    }

    private mutating func wait(_ call: Call) {
        self.waiting.append(call)
        self.waitingDeadline = min(self.waitingDeadline, call.arrived + self.configuration.dialTimeout)
    }

    // MARK: Calls

    mutating func submit(_ call: Call, now: NIODeadline) -> [Action] {
        switch self.state {
        case .closed: return [.fail(call, .closed, isUnknown: false)]
        case .ready: return [self.write(call, now: now)]
        case .resting, .connecting, .greeting, .pausing:
            if self.failsAtOnce, let lastError {
                return [.fail(call, lastError, isUnknown: false)]
            }
            self.wait(call)
            return []
        }
    }

    private mutating func write(_ call: Call, now: NIODeadline) -> Action {
        self.sent.append(Sent(call: call, skips: call.isAsking ? 1 : 0, writtenAt: now))
        return .write(call)
    }

    /// The system has taken the first so many calls since the connection was made.
    mutating func flushed(_ count: Int, now: NIODeadline) {
        let fresh = max(self.flushed, self.answered)..<max(self.flushed, self.answered, count)
        for index in fresh where index - self.answered < self.sent.count {
            self.sent[self.sent.index(self.sent.startIndex, offsetBy: index - self.answered)].flushedAt = now
        }
        self.flushed = max(self.flushed, count)
    }

    mutating func received(_ reply: RESPValue, now: NIODeadline) -> [Action] {
        switch self.state {
        case .greeting(var greeting, let deadline):
            switch greeting.next(reply) {
            case .send(let command):
                self.state = .greeting(greeting, deadline: deadline)
                return [.greet(command)]
            case .refused(let text): return self.failed(RedisError(.reply, text), now: now)
            case .done: return self.ready(now: now)
            }
        case .ready where self.greeting.channel != nil: return [.tellHeard]
        case .ready(let since, _):
            if case .push = reply { return [] }
            guard !self.sent.isEmpty else {
                return self.failed(RedisError(.network, "redis: \(self.name) sent a reply to nothing"), now: now)
            }
            if self.sent[self.sent.startIndex].skips > 0 {
                self.sent[self.sent.startIndex].skips -= 1
                return []
            }
            self.answered += 1
            self.state = .ready(since: since, hasServed: true)
            return [.complete(self.sent.removeFirst().call, reply)]
        case .resting, .connecting, .pausing, .closed: return []
        }
    }

    private mutating func ready(now: NIODeadline) -> [Action] {
        self.state = .ready(since: now, hasServed: false)
        self.answered = 0
        self.flushed = 0
        var actions: [Action] = []
        if self.isLost {
            self.isLost = false
            actions.append(.tellReached)
        }
        for call in self.giveBack() {
            actions.append(self.write(call, now: now))
        }
        return actions
    }

    // MARK: Time

    /// When ``timeReached(now:)`` has something to do, unless something else happens before.
    var deadline: NIODeadline? {
        switch self.state {
        case .connecting(let deadline), .greeting(_, let deadline):
            min(deadline, self.waitingDeadline)
        case .pausing: self.waiting.isEmpty ? nil : self.waitingDeadline
        case .ready: self.sent.first.map(self.deadline)
        case .resting, .closed: nil
        }
    }

    /// Of the oldest call; those behind it were written later.
    private func deadline(of sent: Sent) -> NIODeadline {
        sent.flushedAt.map { $0 + self.configuration.readTimeout } ?? sent.writtenAt + self.configuration.writeTimeout
    }

    mutating func timeReached(now: NIODeadline) -> [Action] {
        switch self.state {
        case .connecting(let deadline) where deadline <= now, .greeting(_, let deadline) where deadline <= now:
            let actions = self.failed(self.timeout("dial"), now: now)
            return actions + self.expireWaiting(now: now)
        case .connecting, .greeting, .pausing: return self.expireWaiting(now: now)
        case .ready:
            guard let first = self.sent.first, self.deadline(of: first) <= now else { return [] }
            return self.failed(self.timeout(first.flushedAt == nil ? "write" : "read"), now: now)
        case .resting, .closed: return []
        }
    }

    private func timeout(_ operation: String) -> RedisError {
        RedisError(.network, "\(operation) tcp \(self.name): i/o timeout")
    }

    private mutating func expireWaiting(now: NIODeadline) -> [Action] {
        let calls = self.giveBack()
        let error = self.lastError ?? self.timeout("dial")
        var actions: [Action] = []
        for call in calls {
            if call.arrived + self.configuration.dialTimeout <= now {
                actions.append(.fail(call, error, isUnknown: false))
            } else {
                self.wait(call)
            }
        }
        return actions
    }
}
