import NIOCore

@testable import WorkerPool

extension PoolWalk {
    /// Looks at the workers, replaces all, or changes the limits.
    mutating func supervise() throws(Violation) {
        guard self.isSupervised, self.wasReady else {
            return
        }
        // The cut-off comes early, so that most of the walk is after it.
        switch Int.random(in: 0..<(self.isCutOff ? 16 : 12), using: &self.random) {
        case 0..<6: try self.tick()
        case 6..<8:
            let outcome = PoolOutcome(self.machine.reset())
            try self.limitTime(outcome)
            try self.occupy(outcome.start)
        case 8..<10: try self.limitReset()
        case 10... where self.isCutOff: try self.cutOff()
        case 10 where self.isReconfigured: try self.resize()
        default: try self.isReconfigured ? self.reconfigure() : self.tick()
        }
    }

    /// The end of the grace period is near.
    private mutating func cutOff() throws(Violation) {
        let isFirst = self.machine.phase != .cutOff
        let model = self.model
        let isEvent = { (number: Int) in model.requests[number]?.isClose == false }
        let waiting = isFirst ? self.model.waiting.filter(isEvent) : []
        let stuck = self.model.workers.filter { _, worker in
            isFirst && worker.leases.first.flatMap { $0 }.map(isEvent) == true
        }
        let outcome = PoolOutcome(self.machine.cutOffRequests(now: self.now))
        try check(outcome.refused == waiting, "\(outcome.refused) are refused instead of \(waiting)")
        for number in outcome.refused {
            try self.model.finish(number)
        }
        try check(Set(outcome.kill.map(\.id)) == Set(stuck.keys), "\(outcome.kill) are killed and not \(stuck.keys)")
        try self.kill(outcome)
        try self.occupy(outcome.start)
    }

    private mutating func tick() throws(Violation) {
        let heavy = self.pick { $0.state == .ready }
        let limits = self.model.configuration.supervisor
        let overdue = self.model.workers.filter { _, worker in
            guard let limit = limits.execTTL, worker.leases.first.flatMap({ $0 }) != nil else {
                return false
            }
            return self.now - worker.busySince >= limit
        }
        let outcome = PoolOutcome(self.machine.tick(now: self.now) { $0 == heavy ? .max : 1 })
        let killed = Set(outcome.kill.map(\.id))
        try check(killed == Set(overdue.keys), "\(killed) are killed for exec_ttl and not \(overdue.keys)")
        try self.kill(outcome)
        try check(outcome.stop.allSatisfy { self.model.workers[$0]?.isIdle == true }, "\(outcome.stop) are not idle")
        try self.stop(outcome.stop)
        try self.occupy(outcome.start)
    }

    /// A reset limits the time of workers that have a request.
    mutating func limitTime(_ outcome: PoolOutcome) throws(Violation) {
        for id in outcome.timed {
            let worker = self.model.workers[id]
            try check(worker?.isRetiring == true && worker?.leases.isEmpty == false, "\(id) has no time to limit")
        }
        self.resetTimed += outcome.timed
    }

    /// The time of a worker that a reset replaces is over.
    private mutating func limitReset() throws(Violation) {
        guard let index = self.resetTimed.indices.randomElement(using: &self.random) else {
            return
        }
        let id = self.resetTimed.remove(at: index)
        let worker = self.model.workers[id]
        let outcome = PoolOutcome(self.machine.resetTimedOut(id, now: self.now))
        guard let worker, worker.killed == nil, !worker.leases.isEmpty else {
            return try check(outcome.kill.isEmpty, "\(id) is killed and has no event")
        }
        try check(outcome.kill.map(\.id) == [id], "\(id) is let go on for ever")
        try check(outcome.killed.map(\.code) == [.resetTimeout], "\(id) is not killed by the reset")
        try self.kill(outcome)
        try self.occupy(outcome.start)
    }

    private mutating func reconfigure() throws(Violation) {
        var configuration = self.model.configuration
        configuration.numWorkers = .random(in: 1...6, using: &self.random)
        if configuration.allocator != nil {
            configuration.allocator?.maxWorkers = .random(in: 0...4, using: &self.random)
        }
        if case .fixed = configuration.pipeline {
            configuration.pipeline = .fixed(.random(in: 1...8, using: &self.random))
        }
        self.model.configuration = configuration
        try self.takeOver(PoolOutcome(self.machine.reconfigure(configuration, now: self.now)))
    }

    /// One worker more, or less.
    private mutating func resize() throws(Violation) {
        let count = self.model.configuration.numWorkers
        var actions = Machine.Actions()
        var added: WorkerID?
        do throws(PoolSizeFault) {
            if Bool.random(using: &self.random) {
                added = try self.machine.addWorker(maximum: 6, &actions)
                self.model.configuration.numWorkers += 1
            } else {
                let spared = self.pickBusy()
                try self.machine.removeWorker(sparing: { $0 == spared }, &actions)
                self.model.configuration.numWorkers -= 1
            }
        } catch {
            let expected: PoolSizeFault =
                self.machine.phase == .running ? (count > 1 ? .atMaximum : .atMinimum) : .notServing
            try check(error == expected && actions.all.isEmpty, "\(error) with \(count) workers")
        }
        let outcome = PoolOutcome(actions)
        try check(added.map { id in outcome.start.contains { $0.id == id } } ?? true, "another worker is started")
        try self.takeOver(outcome)
    }

    private mutating func takeOver(_ outcome: PoolOutcome) throws(Violation) {
        try check(outcome.failed.isEmpty && outcome.kill.isEmpty, "requests fail for a new configuration")
        try self.stop(outcome.stop)
        try self.dismiss(outcome.dismissed)
        // Those in their backoff leave without a word.
        for id in self.model.workers.keys where self.machine.isGone(id) {
            try check(self.model.workers[id]?.state == .wanted, "\(id) has left its place unsaid")
            try self.leave(id)
        }
        for (id, worker) in self.model.workers where worker.state == .ready {
            if !self.machine.roster.places[id.place].standing.isCounted {
                self.model.workers[id]?.isRetiring = true
                self.model.workers[id]?.hasRefused = false
            }
        }
        try self.occupy(outcome.start)
    }
}
