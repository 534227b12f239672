import NIOCore

/// Decides which worker gets which request, and when workers are started, stopped and given up.
///
/// No I/O and no clock: a method takes an event and returns the actions. The parts keep their own state:
/// ``RequestQueue`` the waiting requests, ``Roster`` the holders of places and leases, ``ServiceTimes`` the number of
/// requests per worker, ``Replacement`` the workers to replace, ``ProcessLedger`` the remaining processes.
struct PoolStateMachine<Request, Handle> {
    typealias Actions = PoolActions<Request, Handle>
    typealias Entry = PoolEntry<Request>

    enum Phase {
        /// Can become `running` or `closing`.
        case starting
        /// Can become `cutOff` or `closing`.
        case running
        /// Only last requests are still served: see ``cutOffRequests(now:)``. Can become `closing`.
        case cutOff
        /// Can become `closed`.
        case closing
        case closed
    }

    var configuration: PoolConfiguration
    var phase = Phase.starting
    var queue = RequestQueue<Request>()
    /// Requests that wait for one worker, and are not in the queue.
    var loyal = LoyalRequests<Request>()
    var roster: Roster<Request, Handle>
    var times = ServiceTimes()
    var replacement = Replacement()
    var processes = ProcessLedger()
    /// Counts the resets.
    var epoch: UInt64 = 0
    /// Whether ``measures`` are taken of each request.
    let isMeasured: Bool
    var measures = PoolMeasures()
    /// The time since which no worker has been available.
    var unavailableSince: NIODeadline?
    private var random: any RandomNumberGenerator

    init(
        configuration: PoolConfiguration,
        loopCount: Int,
        isMeasured: Bool = false,
        random: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        self.configuration = configuration
        self.roster = Roster(loopCount: loopCount)
        self.isMeasured = isMeasured
        self.random = random
    }

    /// Requests that wait for a worker.
    var waiting: Int {
        self.queue.count + self.loyal.count
    }

    /// Requests that workers have.
    var running: Int {
        self.roster.leases
    }

    /// Workers past their handshake.
    var ready: Int {
        self.roster.ready
    }

    /// Whether workers have successors and requests are accepted.
    var isOpen: Bool {
        switch self.phase {
        case .starting, .running, .cutOff: true
        case .closing, .closed: false
        }
    }

    /// Whether a worker has left its place.
    func isGone(_ id: WorkerID) -> Bool {
        !self.roster.holds(id)
    }

    /// A random number for jitter.
    mutating func jitter(in range: ClosedRange<Int64>) -> Int64 {
        Int64.random(in: range, using: &self.random)
    }
}

// MARK: - Requests

extension PoolStateMachine {
    mutating func submit(_ request: Request, isLast: Bool, loopIndex: Int, now: NIODeadline) -> Actions {
        guard self.isOpen, isLast || self.phase != .cutOff else {
            return Actions(.fail(request, .poolClosing))
        }
        let limit = self.configuration.maxQueueSize
        if limit > 0, !isLast, self.running + self.waiting >= limit {
            return Actions(.fail(request, .queueFull))
        }
        let entry = self.queue.entry(request, isLast: isLast, now: now)
        var actions = Actions()
        if let place = self.roster.takeFree(loopIndex: loopIndex) {
            self.serve(entry, with: place, now: now, &actions)
            return actions
        }
        if self.queue.isEmpty, let place = self.roster.findRoom(depth: self.depth) {
            self.serve(entry, with: place, now: now, &actions)
            return actions
        }
        self.queue.append(entry, timeout: self.configuration.allocateTimeout)
        self.armTimer(&actions)
        self.grow(&actions)
        return actions
    }

    /// Requests that a worker may have at once.
    var depth: Int {
        guard self.configuration.isPipelined else {
            return 1
        }
        return switch self.configuration.pipeline {
        case .fixed(let depth): depth
        case .auto(let wait): self.times.depth(wait: wait, most: PoolConfiguration.Pipeline.deepest)
        }
    }

    mutating func serve(_ entry: Entry, with place: Int, now: NIODeadline, _ actions: inout Actions) {
        let (handle, isFirst) = self.roster.lease(place, to: entry, now: now)
        if isFirst, self.isMeasured {
            self.measures.waits.record(now - entry.since)
        }
        actions.serve(entry.request, with: handle)
    }

    /// Gives a ready worker as many waiting requests as it may have.
    ///
    /// - Returns: Whether there was one.
    @discardableResult
    mutating func fill(_ place: Int, now: NIODeadline, _ actions: inout Actions) -> Bool {
        guard self.loyal.isEmpty else {
            return self.fillFromBoth(place, now: now, &actions)
        }
        guard !self.queue.isEmpty else {
            return false
        }
        let (pipelines, count) = self.roster.withWorker(place) { ($0.pipelines, $0.leases.count) }
        let depth = pipelines ? self.depth : 1
        var room = max(0, depth - count)
        while room > 0, let entry = self.queue.popFirst() {
            self.serve(entry, with: place, now: now, &actions)
            room -= 1
        }
        return depth > count
    }

    /// A worker may be given several requests from now on.
    mutating func pipelines(_ id: WorkerID, now: NIODeadline) -> Actions {
        var actions = Actions()
        guard let worker = self.roster.worker(of: id) else {
            return actions
        }
        self.roster.withWorker(id.place) { $0.pipelines = true }
        if !worker.leases.isEmpty, !worker.fate.leaves {
            self.fill(id.place, now: now, &actions)
        }
        return actions
    }

    /// The time to wait of some requests may be over.
    ///
    /// - Parameter deadline: The timer's deadline; the event is ignored if an earlier timer has replaced this one.
    mutating func timerFired(at deadline: NIODeadline, now: NIODeadline) -> Actions {
        var actions = Actions()
        guard self.queue.timerFired(at: deadline) else {
            return actions
        }
        while let entry = self.queue.popExpired(now: now) {
            actions.append(.fail(entry.request, .noFreeWorkers))
            if self.isMeasured {
                self.measures.waits.record(now - entry.since)
            }
        }
        self.armTimer(&actions)
        return actions
    }

    mutating func armTimer(_ actions: inout Actions) {
        if let deadline = self.queue.armTimer() {
            actions.append(.armTimer(deadline))
        }
    }

    /// Gives a request that its worker did not begin to another one.
    mutating func retry(_ entry: Entry, loopIndex: Int, now: NIODeadline, _ actions: inout Actions) {
        guard self.isOpen, entry.isLast || self.phase != .cutOff else {
            actions.append(.fail(entry.request, .poolClosing))
            return
        }
        var entry = entry
        entry.since = now
        if let place = self.roster.takeFree(loopIndex: loopIndex) {
            self.serve(entry, with: place, now: now, &actions)
            return
        }
        self.queue.insert(entry, timeout: self.configuration.allocateTimeout, now: now)
        self.armTimer(&actions)
        self.grow(&actions)
    }
}

// MARK: - Answers

extension PoolStateMachine {
    /// A worker has answered its first requests. Ignored if the worker was given up meanwhile.
    ///
    /// - Parameter count: The number of answers, at least 1.
    mutating func answered(_ id: WorkerID, count: Int, now: NIODeadline) -> Actions {
        var actions = Actions()
        guard let first = self.roster.endLease(id) else {
            return actions
        }
        guard count > 1 else {
            self.goOn(id, after: 1, now: now, &actions)
            if case .open(let entry) = first {
                actions.finish(entry.request, answer: 0)
            }
            return actions
        }
        var leases = [first]
        while leases.count < count, let lease = self.roster.endLease(id) {
            leases.append(lease)
        }
        self.goOn(id, after: leases.count, now: now, &actions)
        for (answer, lease) in leases.enumerated() {
            guard case .open(let entry) = lease else {
                continue
            }
            if self.isMeasured, answer > 0 {
                // It was answered together with the first, so it never became the first itself.
                self.measures.waits.record(now - entry.since)
            }
            actions.finish(entry.request, answer: answer)
        }
        return actions
    }

    /// A worker has answered this many requests: it serves the next ones, becomes idle, or leaves.
    private mutating func goOn(_ id: WorkerID, after ended: Int, now: NIODeadline, _ actions: inout Actions) {
        let (time, isAtLimit, fate, isBusy) = self.roster.withWorker(id.place) { worker in
            let time = now - worker.changedAt
            worker.changedAt = now
            worker.jobs += ended
            let isAtLimit = worker.jobLimit > 0 && worker.jobs >= worker.jobLimit
            return (time, isAtLimit, worker.fate, !worker.leases.isEmpty)
        }
        self.times.record(time, count: ended)
        if self.isMeasured {
            for _ in 0..<ended {
                self.measures.workerTimes.record(.nanoseconds(time.nanoseconds / Int64(ended)))
            }
        }
        // In a pool without permanent workers (`debug`) the limit is exact: each worker serves a single event.
        let isDone = fate.isRetiring || !self.isOpen || (isAtLimit && self.configuration.numWorkers == 0)
        if isBusy {
            self.requestBecameFirst(id, now: now, &actions)
            // Only if it was not killed because of that request.
            if !isDone, self.roster.takesRequests(id) {
                self.fill(id.place, now: now, &actions)
            }
        } else if isDone {
            // One that is retiring was counted when its successor took over.
            if !fate.isRetiring, self.isOpen {
                self.measures.countRestart(.maxJobs)
            }
            self.dismiss(id.place, &actions)
            self.startMore(&actions)
            return
        } else if !fate.leaves {
            if !self.fill(id.place, now: now, &actions) {
                self.roster.free(id.place)
            }
        }
        if isAtLimit, !isDone, fate == .staying, now >= self.replacement.heldUntil {
            self.askForReplacement(id, .maxJobs)
            self.startSuccessor(&actions)
        }
    }

    /// Another request has become the first that its worker has.
    private mutating func requestBecameFirst(_ id: WorkerID, now: NIODeadline, _ actions: inout Actions) {
        guard self.isMeasured || self.phase == .cutOff,
            case .open(let entry) = self.roster.withWorker(id.place, { $0.leases.first })
        else {
            return
        }
        if self.isMeasured {
            self.measures.waits.record(now - entry.since)
        }
        if self.phase == .cutOff, !entry.isLast {
            self.kill(id, .exit, now: now, &actions)
            // It may have been the last one.
            self.startMore(&actions)
            self.noteAvailability(now: now)
        }
    }

    /// A worker answered its first request with `{"stop":true}`: it is to be stopped, and its request tried on another
    /// one, a few times.
    ///
    /// - Parameter isLast: Whether it handles none of the requests after it. Otherwise it keeps them: it may answer
    ///   them, or end.
    mutating func refused(_ id: WorkerID, isLast: Bool, now: NIODeadline) -> Actions {
        var actions = Actions()
        guard let worker = self.roster.worker(of: id), let lease = self.roster.endLease(id) else {
            return actions
        }
        actions.append(.report(.refused(id)))
        if !worker.fate.leaves, self.isOpen {
            self.measures.countRestart(.requested)
        }
        let unbegun = worker.leases.dropFirst()
        if isLast || unbegun.isEmpty {
            self.dismiss(id.place, &actions)
        } else {
            self.roster.withWorker(id.place) { worker in
                worker.changedAt = now
                worker.fate = worker.fate.leaves ? worker.fate : .retiring
            }
            actions.append(.stop(worker.handle))
            self.requestBecameFirst(id, now: now, &actions)
        }
        if case .open(var entry) = lease {
            entry.refusals += 1
            if entry.refusals < self.configuration.maxAttempts {
                self.retry(entry, loopIndex: worker.loopIndex, now: now, &actions)
            } else {
                actions.append(.fail(entry.request, .refusedByWorkers(attempts: Int(entry.refusals))))
            }
        }
        if isLast {
            for case .open(let entry) in unbegun {
                self.retry(entry, loopIndex: worker.loopIndex, now: now, &actions)
            }
        }
        self.startMore(&actions)
        return actions
    }
}
