import Observability

/// The service from its start to its exit: workers, then listeners; on a signal listeners, connections, workers.
///
/// No I/O and no clock: ``handle(_:)`` takes an event and returns the actions to run. The caller waits for no action: a
/// slow one ends in an event, so that it never delays a signal.
struct LifecycleStateMachine {
    private enum State {
        /// Workers are being started. Can become `listening` or `stopping`. A reload or reset is postponed: the
        /// configuration has been read, and workers have been started already.
        case starting(postponed: Action?)
        /// The listeners are being bound. Can become `serving` or `draining`.
        case listening(postponed: Action?)
        /// Can become `withdrawing` or `draining`.
        case serving(Replacement)
        /// No longer ready, so that load balancers notice, but still serving. Can become `draining`.
        case withdrawing
        /// Listeners are closed, connections are ending. Can become `stopping`.
        case draining(Workers, Sockets)
        /// The pool is closed, workers are ending, and clients read their last answers. Can become `stopped`.
        case stopping(Pool, Sockets)
        /// Final.
        case stopped
    }

    /// The progress of a reload, which SIGHUP asks for. A reset, by SIGUSR2, is done at once.
    private enum Replacement {
        case idle
        /// A reload is being prepared; `next` was requested meanwhile and follows it, once.
        case reloading(next: Action?)
    }

    /// Whether workers may have had a client's request.
    private enum Workers {
        case unused, used
    }

    private enum Pool {
        case closing, ended
    }

    private enum Sockets {
        case open, closed
    }

    enum Event {
        case poolReady
        /// The last worker is reaped; `failure` is the reason if the pool could not start.
        case poolEnded(failure: String?)
        /// Every server listens, or `failure` is the reason why one does not.
        case listening(failure: String?)
        /// SIGTERM; or SIGINT, which does not wait for sessions.
        case stopRequested(isHasty: Bool)
        /// `drain_delay` is over.
        case withdrawn
        /// Sessions do not go on, and the time for clients to complete a packet is over: see ``Grace/patience``.
        case packetsMustEnd
        /// See ``Grace``, also for the next three.
        case sessionsMustEnd
        case requestsMustEnd
        case closesMustEnd
        case timeIsUp
        /// SIGHUP.
        case reloadRequested
        /// The preparation of a reload has ended, with success or failure.
        case reloadPrepared
        /// SIGUSR2.
        case resetRequested
        /// The last event of the last connection is done.
        case sessionsEnded
        /// The last socket is closed.
        case socketsClosed
        /// An event or an answer that could not be finished in time was given up.
        case wasCutOff
    }

    enum Action: Hashable {
        case listen
        case announce
        /// Read the configuration again and listen for its servers.
        case prepareReload
        /// Commit the prepared reload and replace the workers, or log the failure.
        case finishReload
        /// Replace the workers.
        case reset
        /// Report that the service is not ready, and go on for `drain_delay`.
        case withdraw
        /// Stop binding, close the listeners and end the connections: each once it is idle, or without waiting.
        case drain(sessionsGoOn: Bool)
        /// End the remaining connections, each between two packets.
        case endSessions
        /// End also connections with half a packet, and those whose client does not read.
        case endConnections
        /// Fail the requests that workers still have.
        case cutOffRequests
        /// Stop the workers; `atOnce` when no client has been served.
        case closePool(atOnce: Bool)
        /// Kill the workers and close the remaining sockets.
        case cutOff
        case exit(Outcome)

        /// Whether the grace period starts with this action.
        var isBeginningOfEnd: Bool {
            switch self {
            case .withdraw, .drain, .closePool: true
            case .listen, .announce, .prepareReload, .finishReload, .reset, .endSessions, .endConnections,
                .cutOffRequests, .cutOff, .exit:
                false
            }
        }
    }

    enum Outcome: Hashable {
        case success
        case failure(String)
    }

    /// The service's phase, as probes and metrics report it.
    var phase: ServicePhase {
        switch self.state {
        case .starting, .listening: .starting
        case .serving: .serving
        case .withdrawing, .draining, .stopping, .stopped: .draining
        }
    }

    private var state = State.starting(postponed: nil)
    /// The first failure, if any.
    private var outcome = Outcome.success

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .poolReady: self.poolReady()
        case .listening(let failure): self.listening(failure: failure)
        case .stopRequested(let isHasty): self.stopRequested(isHasty: isHasty)
        case .withdrawn: self.withdrawn(sessionsGoOn: true)
        case .packetsMustEnd: self.whileDraining([.endConnections])
        case .sessionsMustEnd: self.sessionsMustEnd()
        case .requestsMustEnd: self.whileDraining([.endConnections, .cutOffRequests])
        case .closesMustEnd, .sessionsEnded: self.closePool()
        case .timeIsUp: self.timeIsUp()
        case .reloadRequested: self.replacementRequested(.prepareReload)
        case .resetRequested: self.replacementRequested(.reset)
        case .reloadPrepared: self.reloadPrepared()
        case .socketsClosed: self.socketsClosed()
        case .wasCutOff: self.wasCutOff()
        case .poolEnded(let failure): self.poolEnded(failure: failure)
        }
    }

    // MARK: Start

    private mutating func poolReady() -> [Action] {
        guard case .starting(let postponed) = self.state else {
            return []
        }
        self.state = .listening(postponed: postponed)
        return [.listen]
    }

    private mutating func listening(failure: String?) -> [Action] {
        guard case .listening(let postponed) = self.state else {
            return []
        }
        if let failure {
            self.outcome = .failure(failure)
            // Servers that already listen may have clients.
            return self.drain(.unused, sessionsGoOn: false)
        }
        self.state = .serving(.idle)
        return [.announce] + (postponed.map { self.replacementRequested($0) } ?? [])
    }

    // MARK: Reload and reset

    /// - Parameter action: A reset, or a reload, which includes a reset.
    private mutating func replacementRequested(_ action: Action) -> [Action] {
        switch self.state {
        case .serving(.idle):
            if action == .prepareReload {
                self.state = .serving(.reloading(next: nil))
            }
            return [action]
        case .serving(.reloading(let next)):
            self.state = .serving(.reloading(next: next == .prepareReload ? next : action))
            return []
        case .starting(let postponed):
            self.state = .starting(postponed: postponed == .prepareReload ? postponed : action)
            return []
        case .listening(let postponed):
            self.state = .listening(postponed: postponed == .prepareReload ? postponed : action)
            return []
        case .withdrawing, .draining, .stopping, .stopped:
            return []
        }
    }

    private mutating func reloadPrepared() -> [Action] {
        guard case .serving(.reloading(let next)) = self.state else {
            return []
        }
        self.state = .serving(.idle)
        return [.finishReload] + (next.map { self.replacementRequested($0) } ?? [])
    }

    // MARK: End

    private mutating func stopRequested(isHasty: Bool) -> [Action] {
        switch self.state {
        case .starting:
            self.state = .stopping(.closing, .closed)
            return [.closePool(atOnce: true)]
        case .listening:
            // Clients can hardly have connected yet.
            return self.drain(.unused, sessionsGoOn: false)
        case .serving:
            guard !isHasty else {
                return self.drain(.used, sessionsGoOn: false)
            }
            self.state = .withdrawing
            return [.withdraw]
        case .withdrawing, .draining, .stopping, .stopped:
            return []
        }
    }

    private mutating func drain(_ workers: Workers, sessionsGoOn: Bool) -> [Action] {
        self.state = .draining(workers, .open)
        return [.drain(sessionsGoOn: sessionsGoOn)]
    }

    private mutating func withdrawn(sessionsGoOn: Bool) -> [Action] {
        guard case .withdrawing = self.state else {
            return []
        }
        return self.drain(.used, sessionsGoOn: sessionsGoOn)
    }

    private mutating func sessionsMustEnd() -> [Action] {
        if case .draining = self.state {
            return [.endSessions]
        }
        return self.withdrawn(sessionsGoOn: false)
    }

    private func whileDraining(_ actions: [Action]) -> [Action] {
        if case .draining = self.state { actions } else { [] }
    }

    private mutating func closePool() -> [Action] {
        guard case .draining(let workers, let sockets) = self.state else {
            return []
        }
        self.state = .stopping(.closing, sockets)
        return [.closePool(atOnce: workers == .unused)]
    }

    private func timeIsUp() -> [Action] {
        switch self.state {
        case .withdrawing, .draining, .stopping: [.cutOff]
        case .starting, .listening, .serving, .stopped: []
        }
    }

    private mutating func wasCutOff() -> [Action] {
        if self.outcome == .success {
            self.outcome = .failure("a request, an answer or a CLOSE was lost")
        }
        return []
    }

    private mutating func socketsClosed() -> [Action] {
        switch self.state {
        case .draining(let workers, .open):
            self.state = .draining(workers, .closed)
            return []
        case .stopping(let pool, .open):
            self.state = .stopping(pool, .closed)
            return self.exitIfDone()
        case .starting, .listening, .serving, .withdrawing, .draining, .stopping, .stopped:
            return []
        }
    }

    private mutating func poolEnded(failure: String?) -> [Action] {
        switch self.state {
        case .stopping(_, let sockets):
            self.state = .stopping(.ended, sockets)
            return self.exitIfDone()
        case .starting, .listening, .serving, .withdrawing, .draining:
            if self.outcome == .success {
                self.outcome = .failure(failure ?? "the pool has ended")
            }
            self.state = .stopped
            return [.exit(self.outcome)]
        case .stopped:
            return []
        }
    }

    private mutating func exitIfDone() -> [Action] {
        guard case .stopping(.ended, .closed) = self.state else {
            return []
        }
        self.state = .stopped
        return [.exit(self.outcome)]
    }
}
