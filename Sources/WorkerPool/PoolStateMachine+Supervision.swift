import NIOCore

// What is looked at from time to time: the supervisor's limits, and workers that the load does not need any more.

extension PoolStateMachine {
    /// Notes when a worker became idle or busy, where a limit or a measure asks for it: the clock is not read for
    /// nothing.
    func stamp(_ worker: inout Worker, _ now: () -> NIODeadline) {
        if self.isMeasured || self.configuration.needsTimes {
            worker.changedAt = now()
        }
    }

    struct TickAction {
        /// Successors to start.
        var start: [StartAction] = []
        /// Idle workers that are not needed any more.
        var stop: [WorkerID] = []
        /// Workers whose request takes too long, and the requests.
        var kill: [(id: WorkerID, request: Request)] = []
        /// Workers that are to be replaced, and why.
        var replace: [(id: WorkerID, reason: ReplaceReason)] = []
    }

    /// Which soft limit a worker has passed.
    enum ReplaceReason: String, Hashable {
        case ttl
        case idleTTL = "idle_ttl"
        case memory = "max_worker_memory"
    }

    /// Looks at every worker.
    ///
    /// - Parameter memory: Bytes that a worker's process holds resident, where known.
    mutating func tick(now: NIODeadline, memory: (WorkerID) -> Int?) -> TickAction {
        var action = TickAction()
        guard self.phase == .running else {
            return action
        }
        for place in self.places.indices {
            let id = WorkerID(place: place, generation: self.places[place].generation)
            switch self.places[place].state {
            case .vacant, .backingOff, .starting:
                break
            case .busy(let worker, let entry):
                if let limit = self.configuration.supervisor.execTTL, now - worker.changedAt >= limit {
                    action.kill.append((id, entry.request))
                } else {
                    self.supervise(worker, id, isIdle: false, now: now, memory: memory, &action)
                }
            case .idle(let worker):
                self.supervise(worker, id, isIdle: true, now: now, memory: memory, &action)
            }
        }
        for overdue in action.kill {
            let failure = WorkerFailure(.execTTL, "the worker was killed: exec_ttl is over")
            let failed = self.failed(overdue.id, failure, requestWritten: true, now: now)
            action.start += (failed.start.map { [$0] } ?? []) + failed.more
        }
        action.stop += self.shrink(now: now)
        action.start += self.startMore()
        return action
    }

    private mutating func supervise(
        _ worker: Worker,
        _ id: WorkerID,
        isIdle: Bool,
        now: NIODeadline,
        memory: (WorkerID) -> Int?,
        _ action: inout TickAction
    ) {
        guard !worker.isBeingReplaced, !worker.isRetiring, now >= self.replaceHold else {
            return
        }
        let limits = self.configuration.supervisor
        let reason: ReplaceReason?
        if let limit = limits.ttl, now - worker.readySince >= limit {
            reason = .ttl
        } else if let limit = limits.idleTTL, isIdle, now - worker.changedAt >= limit {
            reason = .idleTTL
        } else if let limit = limits.maxWorkerMemory, memory(id) ?? 0 > limit {
            reason = .memory
        } else {
            reason = nil
        }
        guard let reason else {
            return
        }
        if reason == .idleTTL, self.configuration.allocator != nil,
            self.countedPlaces > self.configuration.numWorkers
        {
            // The load does not need it: nobody takes its place.
            self.free[worker.loopIndex].removeAll { $0 == id.place }
            self.vacate(id.place, after: .plan)
            action.stop.append(id)
            return
        }
        action.replace.append((id, reason))
        self.askForReplacement(id, RestartReason(reason))
    }

    /// How many more workers the waiting events ask for: `dynamic_allocator`, or the fresh ones of `debug`.
    var wantsMoreWorkers: Int {
        guard let allocator = self.configuration.allocator, self.phase == .running else {
            return 0
        }
        let room = self.configuration.maximumWorkers - self.countedPlaces
        return min(self.waiting - self.startingCount, allocator.spawnRate - self.startingCount, room)
    }

    /// Starts workers for events that wait.
    mutating func grow() -> [StartAction] {
        let wanted = self.wantsMoreWorkers
        return wanted > 0 ? (0..<wanted).map { _ in self.occupy() } : []
    }

    /// Takes workers beyond `num_workers` that have been idle for long, the longest idle first.
    private mutating func shrink(now: NIODeadline) -> [WorkerID] {
        guard let allocator = self.configuration.allocator else {
            return []
        }
        var idle: [(since: NIODeadline, place: Int)] = []
        for place in self.places.indices where self.places[place].isCounted {
            if case .idle(let worker) = self.places[place].state, !worker.isBeingReplaced,
                now - worker.changedAt >= allocator.idleTimeout
            {
                idle.append((worker.changedAt, place))
            }
        }
        idle.sort { $0.since < $1.since }
        return idle.prefix(max(0, self.countedPlaces - self.configuration.numWorkers)).map { entry in
            let id = WorkerID(place: entry.place, generation: self.places[entry.place].generation)
            for index in self.free.indices {
                self.free[index].removeAll { $0 == entry.place }
            }
            self.vacate(entry.place, after: .plan)
            return id
        }
    }
}

extension RestartReason {
    fileprivate init<Request>(_ reason: PoolStateMachine<Request>.ReplaceReason) {
        switch reason {
        case .ttl: self = .ttl
        case .idleTTL: self = .idleTTL
        case .memory: self = .memory
        }
    }
}
