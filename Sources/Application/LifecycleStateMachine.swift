import Observability

/// The service from its start to its exit: workers, then listeners; on a signal listeners, connections, workers.
///
/// No I/O and no clock: ``handle(_:)`` takes what happened and says what to do.
struct LifecycleStateMachine {
    private enum State {
        /// Workers are being started. Can become `listening` or `stopping`.
        case starting
        /// The listeners are being bound. Can become `serving` or `stopping`.
        case listening
        /// Can become `withdrawing`, `draining` or `stopping`.
        case serving
        /// Not ready any more, while load balancers get to know; served as ever. Can become `draining` or `stopping`.
        case withdrawing
        /// Listeners are closed, connections are ending. Can become `stopping`.
        case draining
        /// The pool is closed, workers are ending. Can become `stopped`.
        case stopping(Outcome)
        /// For good.
        case stopped
    }

    enum Event {
        case poolReady
        /// The last worker is reaped; with the reason when the pool could not be started.
        case poolEnded(failure: String?)
        /// Every server is listened on, or why one is not.
        case listening(failure: String?)
        /// SIGTERM; or SIGINT, which does not wait for sessions.
        case stopRequested(isHasty: Bool)
        /// `drain_delay` is over.
        case withdrawn
        /// What is left of the grace period is needed for the end of what is open.
        case sessionsMustEnd
        /// SIGHUP.
        case reloadRequested
        /// SIGUSR2.
        case resetRequested
        /// The last connection is over.
        case drained
        /// What is left of the grace period is needed for killing and reaping.
        case timeIsUp
    }

    enum Action: Hashable {
        case listen
        case announce
        /// Take over what changed in the configuration, and replace the workers.
        case reload
        /// Replace the workers.
        case reset
        /// Say that we are not ready, and go on for `drain_delay`.
        case withdraw
        /// Close the listeners and end the connections: each when it rests, or without a wait.
        case drain(sessionsGoOn: Bool)
        /// End the connections that are left, without a wait.
        case endSessions
        /// Stop the workers, each after its request; `atOnce` when there is nobody to serve.
        case closePool(atOnce: Bool)
        case killWorkers
        case exit(Outcome)

        /// Whether the grace period counts from here: ``Event/sessionsMustEnd`` and ``Event/timeIsUp`` come in it.
        var isBeginningOfEnd: Bool {
            switch self {
            case .withdraw, .drain, .closePool: true
            case .listen, .announce, .reload, .reset, .endSessions, .killWorkers, .exit: false
            }
        }
    }

    enum Outcome: Hashable {
        case success
        case failure(String)
    }

    /// Where the service is, as probes and metrics tell it.
    var phase: ServicePhase {
        switch self.state {
        case .starting, .listening: .starting
        case .serving: .serving
        case .withdrawing, .draining, .stopping, .stopped: .draining
        }
    }

    private var state = State.starting
    private var stopWasRequested = false
    /// What was asked for during the start, which has read the configuration and started workers already.
    private var postponed: [Action] = []

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .poolReady: self.poolReady()
        case .listening(let failure): self.listening(failure: failure)
        case .stopRequested(let isHasty): self.stopRequested(isHasty: isHasty)
        case .withdrawn: self.withdrawn(sessionsGoOn: true)
        case .sessionsMustEnd: self.sessionsMustEnd()
        case .reloadRequested: self.replacementRequested(.reload)
        case .resetRequested: self.replacementRequested(.reset)
        case .drained: self.drained()
        case .timeIsUp: self.timeIsUp()
        case .poolEnded(let failure): self.poolEnded(failure: failure)
        }
    }

    /// - Parameter action: A reload, which includes a reset, or a reset.
    private mutating func replacementRequested(_ action: Action) -> [Action] {
        switch self.state {
        case .serving:
            return [action]
        case .starting, .listening:
            if self.postponed != [.reload] {
                self.postponed = [action]
            }
            return []
        case .withdrawing, .draining, .stopping, .stopped:
            return []
        }
    }

    private mutating func poolReady() -> [Action] {
        guard case .starting = self.state else {
            return []
        }
        self.state = .listening
        return [.listen]
    }

    private mutating func listening(failure: String?) -> [Action] {
        guard case .listening = self.state else {
            return []
        }
        if let failure {
            self.state = .stopping(.failure(failure))
            return [.closePool(atOnce: true)]
        }
        guard !self.stopWasRequested else {
            // Nobody knows of us yet.
            self.state = .draining
            return [.drain(sessionsGoOn: false)]
        }
        self.state = .serving
        return [.announce] + self.postponed
    }

    private mutating func stopRequested(isHasty: Bool) -> [Action] {
        guard !self.stopWasRequested else {
            return []
        }
        self.stopWasRequested = true
        switch self.state {
        case .starting:
            self.state = .stopping(.success)
            return [.closePool(atOnce: true)]
        case .serving:
            self.state = isHasty ? .draining : .withdrawing
            return isHasty ? [.drain(sessionsGoOn: false)] : [.withdraw]
        case .listening, .withdrawing, .draining, .stopping, .stopped:
            // Binding takes no time; what follows it looks at the request.
            return []
        }
    }

    private mutating func withdrawn(sessionsGoOn: Bool) -> [Action] {
        guard case .withdrawing = self.state else {
            return []
        }
        self.state = .draining
        return [.drain(sessionsGoOn: sessionsGoOn)]
    }

    private mutating func sessionsMustEnd() -> [Action] {
        if case .draining = self.state {
            return [.endSessions]
        }
        return self.withdrawn(sessionsGoOn: false)
    }

    private mutating func drained() -> [Action] {
        guard case .draining = self.state else {
            return []
        }
        self.state = .stopping(.success)
        return [.closePool(atOnce: false)]
    }

    private mutating func timeIsUp() -> [Action] {
        switch self.state {
        case .withdrawing, .draining, .stopping(.success):
            self.state = .stopping(.failure("the grace period is over"))
            return [.killWorkers]
        case .stopping(.failure):
            return [.killWorkers]
        case .starting, .listening, .serving, .stopped:
            return []
        }
    }

    private mutating func poolEnded(failure: String?) -> [Action] {
        let outcome: Outcome
        switch self.state {
        case .stopping(let reason):
            outcome = reason
        case .starting, .listening, .serving, .withdrawing, .draining:
            outcome = .failure(failure ?? "the pool has ended")
        case .stopped:
            return []
        }
        self.state = .stopped
        return [.exit(outcome)]
    }
}
