import NIOCore

// Periodic checks: the supervisor's limits, and workers that the load no longer needs.

extension PoolStateMachine {
    /// Compares every worker with its limits.
    ///
    /// - Parameter memory: The resident bytes of a worker's process, if known.
    mutating func tick(now: NIODeadline, memory: (WorkerID) -> Int?) -> Actions {
        var actions = Actions()
        guard self.isServing else {
            return actions
        }
        for place in self.roster.places.indices {
            let id = self.roster.id(ofPlace: place)
            guard let worker = self.roster.worker(of: id) else {
                continue
            }
            if let limit = self.configuration.supervisor.execTTL, !worker.leases.isEmpty,
                now - worker.changedAt >= limit
            {
                self.kill(id, .execTTL, now: now, &actions)
            } else {
                self.supervise(worker, id, now: now, memory: memory, &actions)
            }
        }
        self.shrink(now: now, &actions)
        self.startMore(&actions)
        self.noteAvailability(now: now)
        return actions
    }

    private mutating func supervise(
        _ worker: Roster<Request, Handle>.Worker,
        _ id: WorkerID,
        now: NIODeadline,
        memory: (WorkerID) -> Int?,
        _ actions: inout Actions
    ) {
        guard worker.fate == .staying, now >= self.replacement.heldUntil else {
            return
        }
        let limits = self.configuration.supervisor
        let reason: RestartReason
        if let limit = limits.ttl, now - worker.readySince >= limit {
            reason = .ttl
        } else if let limit = limits.idleTTL, worker.leases.isEmpty, now - worker.changedAt >= limit {
            reason = .idleTTL
        } else if let limit = limits.maxWorkerMemory, memory(id) ?? 0 > limit {
            reason = .memory
        } else {
            return
        }
        if reason == .idleTTL, self.configuration.allocator != nil,
            self.roster.counted > self.configuration.numWorkers
        {
            // The load does not need it, so no other worker takes its place.
            self.dismiss(id.place, &actions)
            return
        }
        actions.append(.report(.replaced(id, reason)))
        self.askForReplacement(id, reason)
    }

    /// The number of further workers for the waiting requests: of `dynamic_allocator`, or the fresh ones of `debug`.
    var wantsMoreWorkers: Int {
        guard let allocator = self.configuration.allocator, self.isServing else {
            return 0
        }
        let room = self.configuration.maximumWorkers - self.roster.counted
        let starting = self.roster.starting
        // Who waits for one worker has no use of another one that is idle.
        let waiting = self.roster.hasFree ? self.queue.count : self.waiting
        return min(waiting - starting, allocator.spawnRate - starting, room)
    }

    /// Starts workers for requests that wait.
    mutating func grow(_ actions: inout Actions) {
        for _ in 0..<max(0, self.wantsMoreWorkers) {
            self.occupy(&actions)
        }
    }

    /// Takes workers beyond `num_workers` that have been idle for long, the longest idle first.
    private mutating func shrink(now: NIODeadline, _ actions: inout Actions) {
        guard let allocator = self.configuration.allocator else {
            return
        }
        var idle: [(since: NIODeadline, place: Int)] = []
        for (index, place) in self.roster.places.enumerated() where place.standing.isCounted {
            if case .ready(let worker) = place.state, worker.leases.isEmpty, worker.fate == .staying,
                now - worker.changedAt >= allocator.idleTimeout
            {
                idle.append((worker.changedAt, index))
            }
        }
        idle.sort { $0.since < $1.since }
        for entry in idle.prefix(max(0, self.roster.counted - self.configuration.numWorkers)) {
            self.dismiss(entry.place, &actions)
        }
    }
}
