import NIOCore

// Planned replacement: the successor is started first, and the old worker stops when it is ready. So the pool never has
// fewer ready workers because of it.

extension PoolStateMachine {
    /// Successors in a row that may fail before no more are tried. One that fails may be an accident, and must not leave
    /// the rest of the pool behind.
    private static var attempts: Int { 5 }

    /// Successors that may be on their way at once: a quarter of the pool.
    var replacingLimit: Int {
        max(1, self.configuration.numWorkers / 4)
    }

    struct ResetAction {
        var start: [StartAction] = []
        /// Busy workers whose successors are ready already: ``resetTimedOut(_:now:)`` is to be called for them after
        /// ``PoolConfiguration/resetTimeout``.
        var timed: [WorkerID] = []
    }

    /// Replaces every worker, those that are just starting included.
    mutating func reset() -> ResetAction {
        var action = ResetAction()
        guard self.phase == .running else {
            return action
        }
        self.epoch += 1
        // Who asks anew has mended something.
        self.failedSuccessors = 0
        for place in self.places.indices {
            let id = WorkerID(place: place, generation: self.places[place].generation)
            self.askForReplacement(id, .reset)
            if case .busy(let worker, _) = self.places[place].state, worker.isRetiring, self.timeReset(id) {
                action.timed.append(id)
            }
        }
        action.start = self.startMore()
        return action
    }

    /// Whether the time that a worker has to finish its event starts now: it was started before a reset, it is busy, and
    /// its successor is ready.
    private mutating func timeReset(_ id: WorkerID) -> Bool {
        guard self.places[id.place].epoch < self.epoch, !self.places[id.place].isResetTimed else {
            return false
        }
        self.places[id.place].isResetTimed = true
        return true
    }

    /// The time is over that a reset leaves a worker for its event: it is given up with it.
    ///
    /// - Returns: The request; `nil` when the worker has ended before, and when the pool's own end limits the time.
    mutating func resetTimedOut(_ id: WorkerID, now: NIODeadline) -> FailureAction? {
        guard self.phase == .running, case .busy(let worker, _) = self.state(of: id), worker.isRetiring else {
            return nil
        }
        let failure = WorkerFailure(.resetTimeout, "the worker was killed: reset_timeout is over")
        return self.failed(id, failure, requestWritten: true, now: now)
    }

    /// Notes that a ready worker is to be replaced; once.
    mutating func askForReplacement(_ id: WorkerID, _ reason: RestartReason) {
        func note(_ worker: inout Worker) {
            worker.isBeingReplaced = true
            worker.replaceReason = reason
        }
        guard self.changeWorker(id, where: { !$0.isBeingReplaced }, note) else {
            return
        }
        self.replaceQueue.append(id)
    }

    /// Starts what may be started now: what waited for room, successors, workers for events that wait.
    mutating func startMore() -> [StartAction] {
        var actions = self.launchesWithRoom()
        while let successor = self.startSuccessor() {
            actions.append(successor)
        }
        actions += self.grow()
        if self.isCutOff, self.phase == .running, self.configuration.numWorkers > 0,
            self.ready + self.startingCount == 0
        {
            // The last one was retiring, and so had no successor of its own.
            actions.append(self.occupy())
        }
        return actions
    }

    /// Starts the next successor, unless enough are on their way, or only CLOSE is served any more.
    mutating func startSuccessor() -> StartAction? {
        guard !self.isCutOff else {
            return nil
        }
        while self.phase == .running, self.replacing < self.replacingLimit, let id = self.replaceQueue.popFirst() {
            switch self.state(of: id) {
            case .idle(let worker), .busy(let worker, _):
                if !worker.isRetiring {
                    let delay = self.backoff(failures: self.failedSuccessors)
                    return self.occupy(replacing: id, delay: delay)
                }
            case .none, .vacant, .backingOff, .starting:
                break
            }
        }
        return nil
    }

    /// A successor is ready: it counts from now on instead of the worker it replaces.
    ///
    /// - Returns: That worker: it is to be stopped when it is idle, and its time is limited when a reset replaces it.
    mutating func takeOver(_ id: WorkerID) -> (idle: WorkerID?, resetTimed: WorkerID?) {
        guard let old = self.places[id.place].replaces else {
            return (nil, nil)
        }
        self.failedSuccessors = 0
        self.count(id.place)
        self.places[old.place].isCounted = false
        self.countedPlaces -= 1
        switch self.state(of: old) {
        case .idle(let worker):
            self.measures.countRestart(worker.replaceReason)
            self.free[worker.loopIndex].removeAll { $0 == old.place }
            self.vacate(old.place, after: .plan)
            return (old, nil)
        default:
            if case .busy(let worker, _) = self.state(of: old) {
                self.measures.countRestart(worker.replaceReason)
            }
            _ = self.changeWorker(old, where: { _ in true }, { $0.isRetiring = true })
            return (nil, self.timeReset(old) ? old : nil)
        }
    }

    /// The worker that was to be replaced has ended by itself: its successor counts already, ready or not.
    mutating func successorTakesOver(from old: WorkerID) -> Bool {
        guard let place = self.places.firstIndex(where: { $0.replaces == old }) else {
            return false
        }
        self.count(place)
        return true
    }

    private mutating func count(_ place: Int) {
        self.places[place].replaces = nil
        self.places[place].isCounted = true
        self.countedPlaces += 1
        self.replacing -= 1
    }

    /// A successor has failed at its start: the old worker goes on, and is tried again after the others.
    ///
    /// - Returns: That worker, and how many are not to be replaced any more for now: all, after too many failures.
    mutating func successorFailed(_ id: WorkerID, now: NIODeadline) -> (goesOn: WorkerID, givenUp: Int)? {
        guard let old = self.places[id.place].replaces else {
            return nil
        }
        self.failedSuccessors += 1
        self.replaceHold = now + self.backoff(failures: self.failedSuccessors)
        self.places[id.place].replaces = nil
        self.replacing -= 1
        self.replaceQueue.append(old)
        guard self.failedSuccessors >= Self.attempts else {
            return (old, 0)
        }
        var givenUp = 0
        for waiting in self.replaceQueue
        where self.changeWorker(waiting, where: { _ in true }, { $0.isBeingReplaced = false }) {
            givenUp += 1
        }
        self.replaceQueue.removeAll()
        return (old, givenUp)
    }

    /// Changes a ready worker. `false` when there is none, or not such a one.
    private mutating func changeWorker(
        _ id: WorkerID,
        where condition: (Worker) -> Bool,
        _ change: (inout Worker) -> Void
    ) -> Bool {
        switch self.state(of: id) {
        case .idle(var worker):
            guard condition(worker) else { return false }
            change(&worker)
            self.places[id.place].state = .idle(worker)
            return true
        case .busy(var worker, let entry):
            guard condition(worker) else { return false }
            change(&worker)
            self.places[id.place].state = .busy(worker, entry)
            return true
        case .none, .vacant, .backingOff, .starting:
            return false
        }
    }
}
