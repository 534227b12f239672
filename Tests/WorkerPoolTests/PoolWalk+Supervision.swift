import NIOCore

@testable import WorkerPool

extension PoolWalk {
    /// Looks at the workers, replaces all, or changes the limits.
    mutating func supervise() throws(Violation) {
        guard self.isSupervised, self.wasReady else {
            return
        }
        switch Int.random(in: 0..<12, using: &self.random) {
        case 0..<6: try self.tick()
        case 6..<8:
            let action = self.machine.reset()
            self.resetTimed += action.timed
            try self.occupy(action.start)
        case 8..<10: try self.limitReset()
        case 10 where self.isCutOff: try self.cutOff()
        default: try self.isReconfigured ? self.reconfigure() : self.tick()
        }
    }

    /// The end of the grace period is near.
    private mutating func cutOff() throws(Violation) {
        let isFirst = !self.machine.isCutOff
        let isEvent = { (number: Int) in self.model.requests[number]?.isClose == false }
        let waiting = isFirst ? self.model.waiting.filter(isEvent) : []
        let action = self.machine.cutOffRequests(now: self.now)
        try check(action.refused == waiting, "\(action.refused) are refused instead of \(waiting)")
        for number in action.refused {
            try self.model.finish(number)
        }
        for (id, number) in action.kill {
            guard let worker = self.model.workers[id] else {
                throw Violation(description: "\(id) is killed and is not there")
            }
            try check(try self.model.endLease(id) == number, "\(id) does not have request \(number)")
            try self.model.finish(number)
            try self.model.leave(id, isPlanned: false)
            self.countFailure(of: worker, in: id.place)
        }
        try self.occupy(action.start)
    }

    private mutating func tick() throws(Violation) {
        let heavy = self.pick { $0 != .wanted && $0 != .starting }
        let action = self.machine.tick(now: self.now) { $0 == heavy ? .max : 1 }
        let limits = self.model.configuration.supervisor
        for (id, number) in action.kill {
            guard let limit = limits.execTTL, let worker = self.model.workers[id] else {
                throw Violation(description: "\(id) is killed for nothing")
            }
            try check(self.now - worker.busySince >= limit, "\(id) is killed too early")
            try check(try self.model.endLease(id) == number, "\(id) does not have request \(number)")
            try self.model.finish(number)
            try self.model.leave(id, isPlanned: false)
            self.countFailure(of: worker, in: id.place)
        }
        let killed = Set(action.kill.map(\.id.place))
        for id in action.stop {
            try check(self.model.workers[id]?.state == .idle, "\(id) is stopped and not idle")
            try self.leave(id)
        }
        let overdue = self.model.workers.filter { _, worker in
            guard let limit = limits.execTTL, case .busy = worker.state else {
                return false
            }
            return self.now - worker.busySince >= limit
        }
        try check(overdue.isEmpty, "\(overdue.keys) are over exec_ttl")
        for start in action.start {
            if killed.contains(start.id.place), !self.held.contains(start.id) {
                try self.successor(in: start.id.place, start)
            } else {
                try self.occupy([start])
            }
        }
    }

    /// The time of a worker that a reset replaces is over.
    private mutating func limitReset() throws(Violation) {
        guard let index = self.resetTimed.indices.randomElement(using: &self.random) else {
            return
        }
        let id = self.resetTimed.remove(at: index)
        let worker = self.model.workers[id]
        let action = self.machine.resetTimedOut(id, now: self.now)
        guard let worker, case .busy(let number) = worker.state else {
            return try check(action == nil, "\(id) is killed and has no event")
        }
        try check(worker.isRetiring, "\(id) has no successor")
        guard let action, case .fail(number, .workerGone(let failure)) = action.request else {
            throw Violation(description: "\(id) is let go on for ever")
        }
        try check(failure.code == .resetTimeout && action.start == nil, "\(id) is not killed by the reset")
        try check(try self.model.endLease(id) == number, "\(id) does not have request \(number)")
        try self.model.finish(number)
        try self.model.leave(id, isPlanned: false)
        self.countFailure(of: worker, in: id.place)
        try self.occupy(action.more)
    }

    private mutating func reconfigure() throws(Violation) {
        var configuration = self.model.configuration
        configuration.numWorkers = .random(in: 1...6, using: &self.random)
        if configuration.allocator != nil {
            configuration.allocator?.maxWorkers = .random(in: 0...4, using: &self.random)
        }
        self.model.configuration = configuration
        let action = self.machine.reconfigure(configuration, now: self.now)
        for id in action.stop {
            try check(self.model.workers[id]?.state == .idle, "\(id) is stopped and not idle")
            try self.leave(id)
        }
        for id in action.kill {
            try check(self.model.workers[id]?.state == .starting, "\(id) is killed and not starting")
            try self.leave(id)
        }
        // Those in their backoff leave without a word.
        for id in self.model.workers.keys where self.machine.isGone(id) {
            try check(self.model.workers[id]?.state == .wanted, "\(id) has left its place unsaid")
            try self.leave(id)
        }
        for id in self.model.workers.keys {
            if case .busy(let worker, _) = self.machine.state(of: id), worker.isRetiring {
                self.model.workers[id]?.isRetiring = true
            }
        }
        try self.occupy(action.start)
    }
}
