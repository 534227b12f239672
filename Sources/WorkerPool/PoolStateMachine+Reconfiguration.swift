import NIOCore

extension PoolStateMachine {
    struct ReconfigureAction {
        var start: [StartAction] = []
        /// Idle workers that are not needed any more.
        var stop: [WorkerID] = []
        /// Workers that are not needed and have not done their handshake.
        var kill: [WorkerID] = []
    }

    /// Takes over new limits; workers beyond the new number stop, busy ones after their answer.
    mutating func reconfigure(_ configuration: PoolConfiguration, now: NIODeadline) -> ReconfigureAction {
        if configuration.needsTimes, !self.configuration.needsTimes {
            self.stampAll(now)
        }
        self.configuration = configuration
        var action = ReconfigureAction()
        guard self.phase == .running else {
            return action
        }
        while self.countedPlaces < configuration.numWorkers {
            action.start.append(self.occupy())
        }
        // Those beyond `num_workers` that the allocator started leave when they have been idle.
        for place in self.places.indices where self.countedPlaces > configuration.maximumWorkers {
            self.dismiss(place, &action)
        }
        action.start += self.startMore()
        return action
    }

    /// What is idle or busy now counts as so from now on: nobody has looked at the clock before.
    private mutating func stampAll(_ now: NIODeadline) {
        for place in self.places.indices {
            switch self.places[place].state {
            case .idle(var worker):
                worker.changedAt = now
                self.places[place].state = .idle(worker)
            case .busy(var worker, let entry):
                worker.changedAt = now
                self.places[place].state = .busy(worker, entry)
            case .vacant, .backingOff, .starting:
                break
            }
        }
    }

    private mutating func dismiss(_ place: Int, _ action: inout ReconfigureAction) {
        guard self.places[place].isCounted else {
            return
        }
        let id = WorkerID(place: place, generation: self.places[place].generation)
        switch self.places[place].state {
        case .vacant:
            break
        case .backingOff:
            self.vacate(place, after: .plan)
        case .starting:
            action.kill.append(id)
            self.vacate(place, after: .plan)
        case .idle(let worker):
            self.dismissSuccessor(of: id, &action)
            self.free[worker.loopIndex].removeAll { $0 == place }
            action.stop.append(id)
            self.vacate(place, after: .plan)
        case .busy(var worker, let entry):
            self.dismissSuccessor(of: id, &action)
            worker.isRetiring = true
            self.places[place].state = .busy(worker, entry)
            self.places[place].isCounted = false
            self.countedPlaces -= 1
        }
    }

    private mutating func dismissSuccessor(of id: WorkerID, _ action: inout ReconfigureAction) {
        guard let place = self.places.firstIndex(where: { $0.replaces == id }) else {
            return
        }
        self.places[place].replaces = nil
        self.replacing -= 1
        if case .starting = self.places[place].state {
            action.kill.append(WorkerID(place: place, generation: self.places[place].generation))
        }
        self.vacate(place, after: .plan)
    }
}
