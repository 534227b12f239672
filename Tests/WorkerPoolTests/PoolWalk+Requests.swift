import NIOCore

@testable import WorkerPool

// Requests come, and workers answer, refuse and lose them.

extension PoolWalk {
    mutating func submit() throws(Violation) {
        let number = self.nextRequest
        self.nextRequest += 1
        let isClose = self.chance(20)
        let loop = Int.random(in: 0..<self.loopCount, using: &self.random)
        let limit = self.model.configuration.maxQueueSize
        let isRefused = self.machine.phase == .cutOff && !isClose
        let isFull = limit > 0 && !isClose && self.model.requests.count >= limit
        var expected = self.model.expectedFree(loop: loop)
        var room = expected == nil && self.model.waiting.isEmpty ? self.leastBusy() : []
        let actions: Machine.Actions
        if self.isSticky, self.chance(70) {
            let affinity = Affinity(key: .random(in: 0..<8, using: &self.random), patience: .zero)
            let place = self.machine.phase == .running ? self.machine.roster.preferredPlace(affinity.key) : nil
            if let id = place.map({ self.machine.roster.id(ofPlace: $0) }), let worker = self.model.workers[id] {
                expected = worker.isIdle ? id : expected
                room = !room.isEmpty && worker.pipelines && worker.leases.count < self.depth ? [id] : room
            }
            actions = self.machine.submit(number, affinity, isLast: isClose, loopIndex: loop, now: self.now)
        } else {
            actions = self.machine.submit(number, isLast: isClose, loopIndex: loop, now: self.now)
        }
        let outcome = PoolOutcome(actions)
        if isRefused || isFull {
            let failure = isRefused ? RequestFailure.poolClosing : .queueFull
            try check(outcome.failure == failure && outcome.count == 1, "request \(number) is not refused")
            return
        }
        try check(outcome.failed.isEmpty, "request \(number) was refused: \(outcome.failed)")
        self.model.requests[number] = PoolModel.Request(isClose: isClose)
        if let id = outcome.leased {
            try check(outcome.count == 1, "more is done than to serve request \(number)")
            try check(
                expected.map { $0 == id } ?? room.contains(id),
                "request \(number) went to \(id) instead of \(expected.map { [$0] } ?? room)")
            try self.lease(number, to: id)
        } else {
            try check(expected == nil && room.isEmpty, "request \(number) waits though a worker has room")
            try check(outcome.start.isEmpty || self.isSupervised, "nothing asked for more workers")
            try self.model.wait(number, now: self.now)
            self.arm(outcome)
            try self.occupy(outcome.start)
        }
    }

    /// Busy workers that may be given another request, and have the fewest.
    private func leastBusy() -> [WorkerID] {
        let depth = self.depth
        let open = self.model.workers.filter { _, worker in
            worker.pipelines && worker.state == .ready && !worker.leaves && worker.leases.count < depth
        }
        let fewest = open.values.map(\.leases.count).min()
        // Not all are looked at.
        return open.filter { open.count > 8 || $0.value.leases.count == fewest }.map(\.key)
    }

    /// A worker may have several requests from now on.
    mutating func pipeline() throws(Violation) {
        guard let id = self.pick(where: { $0.state == .ready && !$0.pipelines }) else {
            return
        }
        let outcome = PoolOutcome(self.machine.pipelines(id, now: self.now))
        self.model.workers[id]?.pipelines = true
        try self.fill(id, outcome)
        try check(outcome.count == outcome.serves.count, "\(id) is asked for more than to serve")
    }

    /// A worker is given as many waiting requests as it may have.
    mutating func fill(_ id: WorkerID, _ outcome: PoolOutcome) throws(Violation) {
        for (server, number) in outcome.serves {
            try check(server == id, "\(server) serves \(number) and not \(id)")
            try check(self.model.waiting.contains(number), "\(number) is served and did not wait")
            try self.lease(number, to: id)
        }
        guard let worker = self.model.workers[id], !worker.leaves, self.machine.isOpen else {
            return
        }
        let most = worker.pipelines ? self.depth : 1
        try check(self.model.waiting.isEmpty || worker.leases.count >= most, "\(id) has room and a request waits")
        if worker.leases.isEmpty, !self.model.free[worker.loop].contains(id) {
            self.model.free[worker.loop].append(id)
        }
    }

    mutating func answer() throws(Violation) {
        guard let id = self.pickBusy(), let worker = self.model.workers[id] else {
            return
        }
        let isFollowed = self.isFollowed(id)
        let count = Int.random(in: 1...worker.leases.count, using: &self.random)
        let outcome = PoolOutcome(self.machine.answered(id, count: count, now: self.now))
        let ended = try self.model.endLeases(id, count, now: self.now)
        let finished = ended.indices.compactMap { index in ended[index].map { [$0, index] } }
        try check(
            outcome.finished.map { [$0.request, $0.answer] } == finished, "\(id) answered \(outcome.finished)")
        try check(outcome.failed.isEmpty && outcome.dismissed.isEmpty, "an answer fails others")
        for case .some(let number) in ended {
            try self.model.finish(number)
        }
        let jobs = worker.jobs + count
        self.model.workers[id]?.jobs = jobs
        try self.becomesFirst(id, outcome)
        let mayLeave = (worker.isRetiring && worker.killed == nil) || !self.machine.isOpen
        let isDone = worker.leases.count == count && mayLeave
        try check(outcome.stop == (isDone ? [id] : []), "\(id) leaves or not")
        if isDone {
            try self.leave(id)
            return try self.follow(id, outcome.start, isFollowed: isFollowed)
        }
        try self.fill(id, outcome)
        let limit = self.model.configuration.maxJobs
        if !worker.leaves, self.machine.isOpen, self.model.workers[id] != nil {
            let mayStay = jobs < limit + limit * 14 / 100 || self.now < self.machine.replacement.heldUntil
            try check(limit == 0 || self.isSupervised || mayStay || self.isAsked(id), "\(id) is over max_jobs")
        }
        let mayStart = (limit > 0 && jobs >= limit) || !outcome.kill.isEmpty
        try check(outcome.start.isEmpty || mayStart, "\(id) has a successor for nothing")
        try self.occupy(outcome.start)
    }

    /// The next request of a worker has become its first: after the cut-off only a CLOSE may be.
    private mutating func becomesFirst(_ id: WorkerID, _ outcome: PoolOutcome) throws(Violation) {
        var killed: [WorkerID] = []
        if self.machine.phase == .cutOff, case .some(.some(let next)) = self.model.workers[id]?.leases.first,
            self.model.requests[next]?.isClose == false
        {
            killed = [id]
        }
        try check(outcome.kill.map(\.id) == killed, "\(outcome.kill) are killed and not \(killed)")
        try self.kill(outcome)
    }

    /// Whether a worker's successor is asked for.
    private func isAsked(_ id: WorkerID) -> Bool {
        if case .replaced = self.machine.roster.worker(of: id)?.fate { true } else { false }
    }

    mutating func refuse() throws(Violation) {
        guard let id = self.pickBusy(), let worker = self.model.workers[id] else {
            return
        }
        let isFollowed = self.isFollowed(id)
        let isLast = self.chance(50)
        let leaves = isLast || worker.leases.count == 1
        let ended = try self.model.endLeases(id, leaves ? worker.leases.count : 1, now: self.now)
        if leaves {
            try self.leave(id)
        } else if !worker.leaves {
            self.model.workers[id]?.isRetiring = true
            self.model.workers[id]?.hasRefused = true
        }
        let outcome = PoolOutcome(self.machine.refused(id, isLast: isLast, now: self.now))
        try check(outcome.isRefused && outcome.finished.isEmpty, "the refusal of \(id) was ignored")
        try check(outcome.stop == [id], "\(id) is not asked to end")
        try self.becomesFirst(id, outcome)
        for (index, lease) in ended.enumerated() {
            guard let number = lease else {
                continue
            }
            var failure: RequestFailure?
            if index == 0 {
                let refusals = (self.model.requests[number]?.refusals ?? 0) + 1
                self.model.requests[number]?.refusals = refusals
                if refusals >= self.model.configuration.maxAttempts {
                    failure = .refusedByWorkers(attempts: refusals)
                }
            }
            try self.retry(number, outcome, loop: worker.loop, failure: failure)
        }
        try check(outcome.failed.allSatisfy { self.model.requests[$0.request] == nil }, "others fail with \(ended)")
        self.arm(outcome)
        if leaves {
            try self.follow(id, outcome.start, isFollowed: isFollowed)
        } else {
            try self.occupy(outcome.start)
        }
    }

    /// A request is tried again, unless it fails.
    private mutating func retry(
        _ number: Int,
        _ outcome: PoolOutcome,
        loop: Int,
        failure: RequestFailure?
    ) throws(Violation) {
        let isClose = self.model.requests[number]?.isClose == true
        let isOver = !self.machine.isOpen || (self.machine.phase == .cutOff && !isClose)
        let expected = failure ?? (isOver ? .poolClosing : nil)
        let actual = outcome.failed.filter { $0.request == number }.map(\.failure)
        try check(actual == (expected.map { [$0] } ?? []), "request \(number): \(actual)")
        let server = outcome.serves.filter { $0.request == number }.map(\.id)
        guard expected == nil else {
            try check(server.isEmpty, "request \(number) fails and is served")
            return try self.model.finish(number)
        }
        let free = self.model.expectedFree(loop: loop)
        try check(server == (free.map { [$0] } ?? []), "request \(number) is tried again on \(server)")
        if let free {
            try self.lease(number, to: free)
        } else {
            try self.model.wait(number, now: self.now)
        }
    }

    mutating func fail() throws(Violation) {
        guard let id = self.pick(where: { $0.state != .wanted }), let worker = self.model.workers[id] else {
            return
        }
        // A start that fails ends the whole pool: seldom.
        guard self.wasReady || worker.state != .starting || self.chance(10) else {
            return
        }
        let begun = Int.random(in: 0...worker.leases.count, using: &self.random)
        let isFollowed = self.isFollowed(id)
        let ended = try self.lose(id)
        let outcome = PoolOutcome(self.machine.failed(id, .gone, begun: begun, now: self.now))
        try self.failed(id, worker, ended, begun: begun, outcome, failure: .gone, isFollowed: isFollowed)
    }

    /// A worker leaves its place with all that it has.
    mutating func lose(_ id: WorkerID) throws(Violation) -> [Int?] {
        let count = self.model.workers[id]?.leases.count ?? 0
        let ended = try self.model.endLeases(id, count, now: self.now)
        try self.model.leave(id, isPlanned: false)
        return ended
    }

    mutating func failed(
        _ id: WorkerID,
        _ worker: PoolModel.Worker,
        _ ended: [Int?],
        begun: Int,
        _ outcome: PoolOutcome,
        failure: WorkerFailure,
        isFollowed: Bool
    ) throws(Violation) {
        let isStarting = worker.state == .starting
        let failsStart = isStarting && self.machine.phase == .starting
        try check((outcome.startFailure != nil) == failsStart, "\(id): the pool's start has failed or not")
        try check(outcome.stop.isEmpty && outcome.kill.isEmpty, "the end of \(id) ends others")
        self.startFailed = self.startFailed || failsStart
        self.countFailure(of: worker, in: id.place)
        let reason = RequestFailure.workerGone(worker.killed ?? failure)
        let configuration = self.model.configuration
        // The walks' allocators have few workers.
        let most = configuration.maxAttempts + 2 * configuration.maximumWorkers
        for (index, lease) in ended.enumerated() {
            guard let number = lease else {
                continue
            }
            var isLost = index < begun
            if !isLost {
                let losses = (self.model.requests[number]?.losses ?? 0) + 1
                self.model.requests[number]?.losses = losses
                isLost = losses > most
            }
            try self.retry(number, outcome, loop: worker.loop, failure: isLost ? reason : nil)
        }
        try check(outcome.failed.allSatisfy { self.model.requests[$0.request] == nil }, "others fail with \(ended)")
        self.arm(outcome)
        if !self.startFailed {
            try self.follow(id, outcome.start, isFollowed: isFollowed)
        }
    }

    /// Time passes.
    mutating func pass() throws(Violation) {
        self.now = self.now + .nanoseconds(.random(in: 0...2 * self.second.nanoseconds, using: &self.random))
        while let index = self.timers.firstIndex(where: { $0 <= self.now }) {
            let timer = self.timers.remove(at: index)
            let outcome = PoolOutcome(self.machine.timerFired(at: timer, now: self.now))
            let events = self.model.waiting.filter { self.model.requests[$0]?.isClose == false }
            try check(events.starts(with: outcome.refused), "\(outcome.refused) expired before others")
            for (number, failure) in outcome.failed {
                let deadline = self.model.requests[number]?.deadline ?? .distantFuture
                try check(deadline <= self.now && failure == .noFreeWorkers, "\(number) expired too early")
                try self.model.finish(number)
            }
            self.arm(outcome)
        }
        let overdue = self.model.waiting.filter { self.model.requests[$0]?.latest ?? .distantFuture <= self.now }
        try check(overdue.isEmpty, "\(overdue) still wait without a timer")
    }
}
