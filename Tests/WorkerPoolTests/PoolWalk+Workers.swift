import NIOCore

@testable import WorkerPool

// Processes come and go.

extension PoolWalk {
    mutating func launch() throws(Violation) {
        guard
            let index = self.starts.indices.filter({ self.starts[$0].due <= self.now }).randomElement(
                using: &self.random)
        else {
            return
        }
        let id = self.starts.remove(at: index).id
        self.released.remove(id)
        let isWanted = self.model.workers[id]?.state == .wanted
        let hasRoom = self.model.countedProcesses < self.model.mostProcesses
        switch self.machine.launch(id) {
        case .go:
            try check(isWanted && hasRoom, "\(id) is launched")
            self.model.workers[id]?.state = .starting
            self.model.processes.insert(id)
        case .cancel:
            try check(!isWanted, "\(id) is not launched")
        case .wait(let lost):
            try check(isWanted && !hasRoom, "\(id) waits")
            try check(lost.map { self.model.lost.contains($0) } ?? true, "a worker is killed that is not lost")
            self.held.insert(id)
        }
    }

    mutating func handshake() throws(Violation) {
        guard let id = self.pick(where: { $0.state == .starting }) else {
            return
        }
        let loop = Int.random(in: 0..<self.loopCount, using: &self.random)
        var replaced: WorkerID?
        if case .successor(let old) = self.machine.roster.places[id.place].standing {
            replaced = old
        }
        let outcome = PoolOutcome(self.machine.ready(id, id, loopIndex: loop, now: self.now))
        if let replaced {
            let isIdle = self.model.workers[replaced]?.leases.isEmpty == true
            try check(outcome.stop == (isIdle ? [replaced] : []), "\(outcome.stop) are stopped for \(id)")
            self.model.workers[replaced]?.isRetiring = true
            self.model.workers[replaced]?.hasRefused = false
        } else {
            try check(outcome.stop.isEmpty, "\(id) came in time")
        }
        try self.limitTime(outcome)
        try self.stop(outcome.stop)
        self.model.workers[id]?.loop = loop
        self.model.workers[id]?.readySince = self.now
        self.model.workers[id]?.state = .ready
        try self.fill(id, outcome)
        let isComplete = !self.wasReady && self.model.ready == self.model.configuration.numWorkers
        try check(outcome.isReady == isComplete, "the pool is ready or not")
        self.wasReady = self.wasReady || outcome.isReady
        try self.occupy(outcome.start)
    }

    /// A process is reaped; seldom one that has not told of its end.
    mutating func reap() throws(Violation) {
        let isSudden = self.wasReady && self.chance(10)
        let ended =
            isSudden
            ? self.pick { $0.state != .wanted }
            : self.model.processes.filter { id in
                self.model.workers[id] == nil
            }.min { $0.place < $1.place }
        guard let ended else {
            return
        }
        let worker = self.model.workers[ended]
        let isFollowed = worker != nil && self.isFollowed(ended)
        let leases = worker == nil ? [] : try self.lose(ended)
        self.model.processes.remove(ended)
        self.model.lost.remove(ended)
        let outcome = PoolOutcome(self.machine.reaped(ended, now: self.now))
        try check(!outcome.isClosed, "the pool is closed while it runs")
        guard let worker else {
            return try self.occupy(outcome.start)
        }
        let failure = WorkerFailure(.exit, "the worker has ended")
        try self.failed(ended, worker, leases, begun: .max, outcome, failure: failure, isFollowed: isFollowed)
    }

    /// Events of workers that hold no place any more, or never did.
    mutating func stale() throws(Violation) {
        let id = WorkerID(
            place: .random(in: -1...12, using: &self.random),
            generation: .random(in: 0...60, using: &self.random)
        )
        guard self.model.workers[id] == nil else {
            return
        }
        let ignored = [
            self.machine.answered(id, count: 1, now: self.now),
            self.machine.refused(id, isLast: self.chance(50), now: self.now),
            self.machine.failed(id, .gone, begun: 0, now: self.now),
            self.machine.pipelines(id, now: self.now),
            self.machine.resetTimedOut(id, now: self.now),
        ]
        try check(ignored.allSatisfy { PoolOutcome($0).count == 0 }, "a stale event of \(id)")
        let late = PoolOutcome(self.machine.ready(id, id, loopIndex: 0, now: self.now))
        try check(late.stop == [id] && late.count == 1, "a stale handshake of \(id)")
        try check(self.machine.launch(id) == .cancel, "a stale launch of \(id)")
    }
}
