import NIOCore

extension PoolStateMachine {
    /// Takes over new limits; workers beyond the new number stop, busy ones after their answer.
    mutating func reconfigure(_ configuration: PoolConfiguration, now: NIODeadline) -> Actions {
        if self.configuration.supervisor.execTTL == nil, configuration.supervisor.execTTL != nil {
            // Running requests were given to their workers without a limit.
            self.roster.restartTimes(now)
        }
        self.configuration = configuration
        var actions = Actions()
        guard self.isServing else {
            return actions
        }
        while self.roster.counted < configuration.numWorkers {
            self.occupy(&actions)
        }
        // The allocator's workers beyond `num_workers` leave once they have been idle.
        for place in self.roster.places.indices where self.roster.counted > configuration.maximumWorkers {
            self.release(place, &actions)
        }
        self.startMore(&actions)
        return actions
    }

    /// Makes a counted worker leave as soon as it is free, along with its successor.
    mutating func release(_ place: Int, _ actions: inout Actions) {
        guard self.roster.places[place].standing.isCounted else {
            return
        }
        let id = self.roster.id(ofPlace: place)
        switch self.roster.places[place].state {
        case .absent:
            self.cancelStart(in: place, &actions)
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
        self.cancelStart(in: place, &actions)
    }
}
