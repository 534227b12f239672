import NIOCore

// Planned replacement: the successor starts first, and the old worker stops once the successor is ready. So the pool
// never has fewer ready workers because of it.

extension PoolStateMachine {
    /// The most successors that may be starting at once: a quarter of the pool.
    var replacingLimit: Int {
        max(1, self.configuration.numWorkers / 4)
    }

    /// Replaces every worker, including those that are starting.
    mutating func reset() -> Actions {
        var actions = Actions()
        guard self.isServing else {
            return actions
        }
        self.epoch += 1
        self.replacement.forgetFailures()
        for place in self.roster.places.indices {
            let id = self.roster.id(ofPlace: place)
            self.askForReplacement(id, .reset)
            self.limitReset(id, &actions)
        }
        self.startMore(&actions)
        return actions
    }

    /// Limits the time of a busy worker for its requests if a reset replaces it and its successor is ready.
    private mutating func limitReset(_ id: WorkerID, _ actions: inout Actions) {
        guard self.roster.isBusy(id), let worker = self.roster.worker(of: id), worker.epoch < self.epoch,
            worker.fate == .retiring
        else {
            return
        }
        self.roster.withWorker(id.place) { $0.fate = .retiringInTime }
        actions.append(.timeReset(id))
    }

    /// Gives up a worker whose time for its requests, as limited by a reset, is over. Ignored if the worker has ended
    /// before, or if the pool's own end limits the time.
    mutating func resetTimedOut(_ id: WorkerID, now: NIODeadline) -> Actions {
        var actions = Actions()
        guard self.isServing, self.roster.isBusy(id), self.roster.worker(of: id)?.fate.isRetiring == true else {
            return actions
        }
        self.kill(id, .resetTimeout, now: now, &actions)
        self.startMore(&actions)
        self.noteAvailability(now: now)
        return actions
    }

    /// Notes once that a ready worker must be replaced.
    mutating func askForReplacement(_ id: WorkerID, _ reason: RestartReason) {
        if self.roster.decide(id, { $0 == .staying ? .replaced(reason) : nil }) {
            self.replacement.append(id)
        }
    }

    /// Starts all workers that may start now: those that waited for room, successors, and workers for waiting requests.
    mutating func startMore(_ actions: inout Actions) {
        self.forgetLost(&actions)
        self.launchWithRoom(&actions)
        self.startSuccessor(&actions)
        self.grow(&actions)
        if self.phase == .cutOff, self.configuration.numWorkers > 0, self.ready + self.roster.starting == 0 {
            // The last one was retiring, and so had no successor of its own.
            self.occupy(&actions)
        }
    }

    /// Starts processes that waited for room, as far as there is room.
    mutating func launchWithRoom(_ actions: inout Actions) {
        guard self.isOpen else {
            return
        }
        let launches = self.processes.launchesWithRoom(
            retiring: self.roster.retiring,
            maximum: self.configuration.maximumWorkers,
            successors: self.replacingLimit
        )
        for id in launches {
            actions.append(.start(WorkerStart(id: id, delay: .zero)))
        }
    }

    /// Starts the next successors, unless enough are starting or only last requests are served.
    mutating func startSuccessor(_ actions: inout Actions) {
        while self.phase == .running, let id = self.replacement.next(limit: self.replacingLimit) {
            guard case .replaced = self.roster.worker(of: id)?.fate else {
                continue
            }
            let place = self.roster.vacantPlace()
            self.roster.setFailures(place, 0)
            self.replacement.successorStarted()
            let successor = self.roster.occupy(place, as: .successor(of: id))
            let delay = self.backoff(failures: self.replacement.failures)
            actions.append(.start(WorkerStart(id: successor, delay: delay)))
        }
    }

    /// A successor is ready: it now counts instead of the worker that it replaces, which stops once it is free.
    mutating func takeOver(_ id: WorkerID, _ actions: inout Actions) {
        guard case .successor(let old) = self.roster.places[id.place].standing else {
            return
        }
        self.replacement.successorReady()
        self.count(id.place)
        self.roster.setStanding(old.place, .uncounted)
        guard let worker = self.roster.worker(of: old) else {
            return
        }
        if case .replaced(let reason) = worker.fate {
            self.measures.countRestart(reason)
        }
        _ = self.roster.decide(old) { $0.leaves ? nil : .retiring }
        if worker.leases.isEmpty {
            self.dismiss(old.place, &actions)
        } else {
            self.limitReset(old, &actions)
        }
    }

    /// The worker that was to be replaced has ended by itself: its successor counts already, ready or not.
    mutating func successorTakesOver(from old: WorkerID) -> Bool {
        guard let place = self.roster.place(ofSuccessorOf: old) else {
            return false
        }
        self.count(place)
        return true
    }

    private mutating func count(_ place: Int) {
        self.roster.setStanding(place, .counted)
        self.replacement.successorCounts()
    }

    /// A successor has failed at its start: the old worker goes on, and is tried again after the others.
    ///
    /// - Returns: `false` if the worker was not a successor.
    mutating func successorFailed(
        _ id: WorkerID,
        _ failure: WorkerFailure,
        now: NIODeadline,
        _ actions: inout Actions
    ) -> Bool {
        guard case .successor(let old) = self.roster.places[id.place].standing else {
            return false
        }
        self.roster.setStanding(id.place, .uncounted)
        let hold = self.backoff(failures: self.replacement.failures + 1)
        var givenUp = 0
        for waiting in self.replacement.successorFailed(of: old, now: now, hold: hold) {
            let isThere = self.roster.decide(waiting) { fate in
                if case .replaced = fate { .staying } else { nil }
            }
            givenUp += isThere ? 1 : 0
        }
        actions.append(.report(.goesOn(old, failure)))
        if givenUp > 0 {
            actions.append(.report(.replacementGivenUp(givenUp)))
        }
        return true
    }
}
