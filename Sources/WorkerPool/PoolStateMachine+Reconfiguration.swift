import NIOCore

extension PoolStateMachine {
    /// Takes over new limits; workers beyond the new number stop, busy ones after their answer.
    mutating func reconfigure(_ configuration: PoolConfiguration, now: NIODeadline) -> Actions {
        self.configuration = configuration
        var actions = Actions()
        guard self.isServing else {
            return actions
        }
        while self.roster.counted < configuration.numWorkers {
            self.occupy(&actions)
        }
        // Those beyond `num_workers` that the allocator started leave when they have been idle.
        for place in self.roster.places.indices where self.roster.counted > configuration.maximumWorkers {
            self.release(place, &actions)
        }
        self.startMore(&actions)
        return actions
    }

    /// Has a worker that counts leave as soon as it is free, and its successor with it.
    private mutating func release(_ place: Int, _ actions: inout Actions) {
        guard self.roster.places[place].standing.isCounted else {
            return
        }
        let id = self.roster.id(ofPlace: place)
        switch self.roster.places[place].state {
        case .absent(.vacant):
            break
        case .absent(.backingOff):
            self.vacate(place, after: .plan, &actions)
        case .absent(.starting):
            actions.append(.dismiss(id))
            self.vacate(place, after: .plan, &actions)
        case .ready(let worker):
            self.releaseSuccessor(of: id, &actions)
            guard !worker.leases.isEmpty else {
                return self.dismiss(place, &actions)
            }
            _ = self.roster.decide(id) { $0.leaves ? nil : .retiring }
            self.roster.setStanding(place, .uncounted)
        }
    }

    private mutating func releaseSuccessor(of id: WorkerID, _ actions: inout Actions) {
        guard let place = self.roster.place(ofSuccessorOf: id) else {
            return
        }
        self.roster.setStanding(place, .uncounted)
        self.replacement.successorCounts()
        if case .absent(.starting) = self.roster.places[place].state {
            actions.append(.dismiss(self.roster.id(ofPlace: place)))
        }
        self.vacate(place, after: .plan, &actions)
    }
}
