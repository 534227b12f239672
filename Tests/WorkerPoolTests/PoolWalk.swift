import NIOCore
import TestSupport

@testable import WorkerPool

/// Random events for a pool's machine, each decision checked against ``PoolModel``.
struct PoolWalk {
    typealias Machine = PoolStateMachine<Int>

    let loopCount: Int
    /// Whether workers are also supervised and reset.
    let isSupervised: Bool
    /// Whether the limits change, too.
    let isReconfigured: Bool
    /// Whether all but CLOSE is given up on the way.
    let isCutOff: Bool
    var random: SeededGenerator
    var machine: Machine
    var model: PoolModel
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    var nextRequest = 0
    /// Starts that wait, and when their wait is over.
    var starts: [(id: WorkerID, due: NIODeadline)] = []
    /// Starts that wait for room.
    var held: Set<WorkerID> = []
    /// Those that have room now and are to be launched.
    var released: Set<WorkerID> = []
    /// Workers whose time to finish an event a reset limits.
    var resetTimed: [WorkerID] = []
    /// When timers that were asked for fire.
    var timers: [NIODeadline] = []
    /// Failures in a row of the worker in each place.
    var failures: [Int: Int] = [:]
    var wasReady = false
    var startFailed = false

    init(
        _ configuration: PoolConfiguration,
        loops: Int,
        isSupervised: Bool,
        isReconfigured: Bool,
        isCutOff: Bool = false,
        random: SeededGenerator
    ) {
        var random = random
        self.loopCount = loops
        self.isSupervised = isSupervised
        self.isReconfigured = isReconfigured
        self.isCutOff = isCutOff
        self.machine = Machine(
            configuration: configuration,
            loopCount: loops,
            random: SeededGenerator(seed: random.next())
        )
        self.random = random
        self.model = PoolModel(configuration, loopCount: loops)
    }

    /// Walks, then closes the pool and drains it.
    mutating func run(steps: Int) throws(Violation) {
        try self.occupy(self.machine.start())
        for _ in 0..<steps where !self.startFailed {
            try self.step()
            try self.checkCounts()
        }
        try self.close()
    }

    private mutating func step() throws(Violation) {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<30: try self.submit()
        case 30..<58: try self.answer()
        case 58..<61: try self.refuse()
        case 61..<66: try self.fail()
        case 66..<76: try self.launch()
        case 76..<86: try self.handshake()
        case 86..<92: try self.pass()
        case 92..<96: try self.reap()
        case 96..<98: try self.stale()
        default: try self.supervise()
        }
    }

    // MARK: Choosing

    mutating func pick(where condition: (PoolModel.WorkerState) -> Bool) -> WorkerID? {
        let ids = self.model.workers.filter { condition($0.value.state) }.map(\.key)
        return ids.min { $0.place < $1.place }.flatMap { _ in
            ids.sorted { $0.place < $1.place }.randomElement(using: &self.random)
        }
    }

    mutating func pickBusy() -> WorkerID? {
        self.pick { if case .busy = $0 { true } else { false } }
    }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self.random) < percent
    }

    // MARK: Events

    private mutating func submit() throws(Violation) {
        let number = self.nextRequest
        self.nextRequest += 1
        let isClose = self.chance(20)
        let loop = Int.random(in: 0..<self.loopCount, using: &self.random)
        let limit = self.model.configuration.maxQueueSize
        let isRefused = self.machine.isCutOff && !isClose
        let isFull = limit > 0 && !isClose && self.model.requests.count >= limit
        let expected = self.model.expectedFree(loop: loop)
        let now = self.now
        switch self.machine.submit(number, isClose: isClose, loopIndex: loop, now: { now }) {
        case .refuse(let failure):
            let isRight = isRefused ? failure == .poolClosing : failure == .queueFull && isFull
            try check(isRight, "request \(number) was refused: \(failure)")
        case .lease(let id):
            try check(!isRefused, "request \(number) is served after the cut-off")
            try check(!isFull, "request \(number) is over the queue's limit")
            try check(id == expected, "request \(number) went to \(id) instead of \(expected?.description ?? "nobody")")
            self.model.requests[number] = PoolModel.Request(isClose: isClose)
            try self.model.lease(number, to: id, now: self.now)
        case .wait(let timer, let start):
            try check(!isFull, "request \(number) is over the queue's limit")
            try check(expected == nil, "request \(number) waits though a worker is free")
            try check(start.isEmpty || self.isSupervised, "nobody asked for more workers")
            self.model.requests[number] = PoolModel.Request(isClose: isClose)
            try self.model.wait(number, now: self.now)
            self.arm(timer)
            try self.occupy(start)
        }
    }

    private mutating func answer() throws(Violation) {
        guard let id = self.pickBusy(), let worker = self.model.workers[id] else {
            return
        }
        let isFollowed = self.isFollowed(id)
        let now = self.now
        guard let action = self.machine.answered(id, now: { now }) else {
            throw Violation(description: "the answer of \(id) was ignored")
        }
        let number = try self.model.endLease(id)
        try check(action.request == number, "\(id) answered \(action.request) instead of \(number)")
        try self.model.finish(number)
        self.model.workers[id]?.jobs += 1
        let limit = self.model.configuration.maxJobs
        let jobs = worker.jobs + 1
        switch action.next {
        case .idle, .serve:
            try check(!worker.isRetiring, "\(id) goes on")
            try self.goOn(id, serves: action.next.served)
            let mayStay = jobs < limit + limit * 14 / 100 || self.now < self.machine.replaceHold
            try check(limit == 0 || self.isSupervised || mayStay || self.isAsked(id), "\(id) is over max_jobs")
            try check(action.successor == nil || jobs >= limit, "\(id) has a successor for nothing")
            try self.occupy(action.successor.map { [$0] } ?? [])
        case .replace(let start):
            try check(worker.isRetiring, "\(id) is replaced for nothing")
            try self.leave(id)
            try self.follow(id, start, isFollowed: isFollowed)
        }
    }

    /// Whether nobody is to take a worker's place when it leaves: its successor is there, or on its way.
    func isFollowed(_ id: WorkerID) -> Bool {
        !self.machine.places[id.place].isCounted || self.machine.places.contains { $0.replaces == id }
    }

    /// Whether a worker's successor is asked for.
    private func isAsked(_ id: WorkerID) -> Bool {
        switch self.machine.state(of: id) {
        case .idle(let worker), .busy(let worker, _): worker.isBeingReplaced
        default: false
        }
    }

    /// A worker has left its place: its own successor starts, if it needs one, and others that may.
    mutating func follow(_ id: WorkerID, _ starts: [Machine.StartAction], isFollowed: Bool) throws(Violation) {
        let own = starts.first { start in
            // Another one's successor may come into the place at once.
            start.id.place == id.place && self.model.workers[start.id] == nil
                && self.machine.places[id.place].replaces == nil
        }
        if isFollowed, !self.isSupervised {
            try check(own == nil, "\(id) has two successors")
        } else if !isFollowed {
            try self.successor(in: id.place, own)
        }
        try self.occupy(starts.filter { isFollowed || $0 != own })
    }

    /// A worker is free: it must serve who waits first.
    mutating func goOn(_ id: WorkerID, serves number: Int?) throws(Violation) {
        let expected = self.model.waiting.first
        try check(number == expected, "\(id) serves \(number ?? -1) instead of \(expected ?? -1)")
        self.model.workers[id]?.state = .idle
        if let number {
            try self.model.lease(number, to: id, now: self.now)
        } else if let loop = self.model.workers[id]?.loop {
            self.model.free[loop].append(id)
        }
    }

    private mutating func refuse() throws(Violation) {
        guard let id = self.pickBusy(), let loop = self.model.workers[id]?.loop else {
            return
        }
        let isFollowed = self.isFollowed(id)
        let number = try self.model.endLease(id)
        try self.leave(id)
        self.model.requests[number]?.refusals += 1
        let expected = self.model.expectedFree(loop: loop)
        guard let action = self.machine.refused(id, now: self.now) else {
            throw Violation(description: "the refusal of \(id) was ignored")
        }
        let refusals = self.model.requests[number]?.refusals ?? 0
        if refusals >= self.model.configuration.maxAttempts {
            let failure = RequestFailure.refusedByWorkers(attempts: refusals)
            try check(action.retry.failure == failure, "request \(number) is tried again after \(refusals) refusals")
        } else {
            try check(action.retry.failure == nil, "request \(number) failed after \(refusals) refusals")
        }
        try self.retry(number, action.retry, expected: expected)
        try self.follow(id, action.start, isFollowed: isFollowed)
    }

    mutating func retry(_ number: Int, _ action: Machine.RetryAction, expected: WorkerID?) throws(Violation) {
        switch action {
        case .lease(let id, let request):
            try check(request == number, "\(request) is retried instead of \(number)")
            try check(id == expected, "request \(number) is retried on \(id)")
            try self.model.lease(number, to: id, now: self.now)
        case .wait(let timer, let start):
            try check(expected == nil, "request \(number) waits though a worker is free")
            try self.model.wait(number, now: self.now)
            self.arm(timer)
            try self.occupy(start)
        case .fail(let request, _):
            try check(request == number, "\(request) fails instead of \(number)")
            try self.model.finish(number)
        }
    }

    private mutating func fail() throws(Violation) {
        guard let id = self.pick(where: { $0 != .wanted }), let worker = self.model.workers[id] else {
            return
        }
        // A start that fails ends the whole pool: seldom.
        guard self.wasReady || worker.state != .starting || self.chance(10) else {
            return
        }
        let isWritten = self.chance(50)
        let isFollowed = self.isFollowed(id)
        var number: Int?
        if case .busy(let request) = worker.state {
            number = try self.model.endLease(id)
            self.model.requests[request]?.losses += 1
        }
        try self.model.leave(id, isPlanned: false)
        let expected = self.model.expectedFree(loop: worker.loop)
        let action = self.machine.failed(id, .gone, requestWritten: isWritten, now: self.now)
        let isStarting = worker.state == .starting
        try check(action.startFailed == (isStarting && !self.wasReady), "\(id): the pool's start has failed or not")
        self.startFailed = action.startFailed
        self.countFailure(of: worker, in: id.place)
        switch (number, action.request) {
        case (let number?, let request?):
            if isWritten {
                try check(request.failure == .workerGone(.gone), "request \(number) may be served twice")
            } else {
                let configuration = self.model.configuration
                // The walks' allocators have few workers.
                let most = configuration.maxAttempts + 2 * configuration.maximumWorkers
                let isLost = self.model.requests[number]?.losses ?? 0 > most
                try check((request.failure != nil) == isLost, "request \(number) failed though nobody has seen it")
            }
            try self.retry(number, request, expected: expected)
        case (nil, nil): break
        default: throw Violation(description: "\(id) failed: what became of its request?")
        }
        if !self.startFailed {
            try self.follow(id, (action.start.map { [$0] } ?? []) + action.more, isFollowed: isFollowed)
        }
    }

    /// A worker has ended by itself: a failure unless it was of use.
    mutating func countFailure(of worker: PoolModel.Worker, in place: Int) {
        let lifetime = self.now - worker.readySince
        let isReady = worker.state != .starting
        let isUseful = isReady && (worker.jobs > 0 || lifetime >= self.model.configuration.backoff.healthyAfter)
        self.failures[place] = isUseful ? 0 : self.failures[place, default: 0] + 1
    }

    private mutating func launch() throws(Violation) {
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

    private mutating func handshake() throws(Violation) {
        guard let id = self.pick(where: { $0 == .starting }) else {
            return
        }
        let loop = Int.random(in: 0..<self.loopCount, using: &self.random)
        let replaced = self.machine.places[id.place].replaces
        let result = self.machine.ready(id, loopIndex: loop, now: self.now)
        if let replaced, result.stop == nil {
            self.model.workers[replaced]?.isRetiring = true
        }
        self.resetTimed += result.resetTimed.map { [$0] } ?? []
        self.model.workers[id]?.loop = loop
        self.model.workers[id]?.readySince = self.now
        self.model.workers[id]?.state = .idle
        if let old = result.stop {
            try check(self.model.workers[old]?.state == .idle, "\(old) is stopped and not idle")
            try self.leave(old)
        }
        try check(!result.action.isStopped, "\(id) came in time")
        try self.goOn(id, serves: result.action.served)
        let isComplete = !self.wasReady && self.model.ready == self.model.configuration.numWorkers
        try check(result.poolIsReady == isComplete, "the pool is ready or not")
        self.wasReady = self.wasReady || result.poolIsReady
        try self.occupy(result.start)
    }

    /// Time passes.
    private mutating func pass() throws(Violation) {
        self.now = self.now + .milliseconds(.random(in: 0...2000, using: &self.random))
        while let index = self.timers.firstIndex(where: { $0 <= self.now }) {
            let timer = self.timers.remove(at: index)
            let expiry = self.machine.timerFired(at: timer, now: self.now)
            let events = self.model.waiting.filter { self.model.requests[$0]?.isClose == false }
            try check(events.starts(with: expiry.expired), "\(expiry.expired) expired before others")
            for number in expiry.expired {
                let deadline = self.model.requests[number]?.deadline ?? .distantFuture
                try check(deadline <= self.now, "\(number) expired too early")
                try self.model.finish(number)
            }
            self.arm(expiry.armTimer)
        }
        let overdue = self.model.waiting.filter { self.model.requests[$0]?.latest ?? .distantFuture <= self.now }
        try check(overdue.isEmpty, "\(overdue) still wait without a timer")
    }

    /// A worker leaves its place as planned: it has not failed.
    mutating func leave(_ id: WorkerID) throws(Violation) {
        try self.model.leave(id)
        self.failures[id.place] = 0
    }

    private mutating func reap() throws(Violation) {
        let ended = self.model.processes.filter { self.model.workers[$0] == nil }.min { $0.place < $1.place }
        guard let ended else {
            return
        }
        self.model.processes.remove(ended)
        self.model.lost.remove(ended)
        let action = self.machine.reaped(ended)
        try check(!action.isClosed, "the pool is closed while it runs")
        try self.occupy(action.start)
    }

    /// Events of workers that hold no place any more, or never did.
    private mutating func stale() throws(Violation) {
        let id = WorkerID(
            place: .random(in: -1...12, using: &self.random),
            generation: .random(in: 0...60, using: &self.random)
        )
        guard self.model.workers[id] == nil else {
            return
        }
        let now = self.now
        try check(self.machine.answered(id, now: { now }) == nil, "a stale answer of \(id)")
        try check(self.machine.refused(id, now: now) == nil, "a stale refusal of \(id)")
        let failure = self.machine.failed(id, .gone, requestWritten: false, now: now)
        try check(failure.start == nil && failure.request == nil && !failure.startFailed, "a stale failure of \(id)")
        try check(self.machine.ready(id, loopIndex: 0, now: now).action.isStopped, "a stale handshake of \(id)")
        try check(self.machine.launch(id) == .cancel, "a stale launch of \(id)")
    }

    // MARK: What the machine asks for

    private mutating func arm(_ timer: NIODeadline?) {
        if let timer {
            self.timers.append(timer)
        }
    }

    /// Workers start at once, unless the last ones in their place have failed.
    mutating func occupy(_ actions: [Machine.StartAction]) throws(Violation) {
        for action in actions {
            if self.held.remove(action.id) != nil {
                try check(action.delay == .zero, "\(action.id) has waited already")
                self.starts.append((action.id, self.now))
                self.released.insert(action.id)
                continue
            }
            guard self.machine.places[action.id.place].replaces != nil else {
                try self.successor(in: action.id.place, action)
                continue
            }
            // A worker's successor waits after others' that have failed.
            self.failures[action.id.place] = 0
            try self.start(action)
        }
    }

    private mutating func start(_ action: Machine.StartAction) throws(Violation) {
        try self.model.want(action.id)
        self.starts.append((action.id, self.now + action.delay))
    }

    /// A worker has left its place: its successor starts at once or after the wait that its failures ask for.
    mutating func successor(in place: Int, _ action: Machine.StartAction?) throws(Violation) {
        guard let action else {
            try check(self.isSupervised, "no successor in place \(place)")
            return
        }
        try check(action.id.place == place, "\(action.id) is no successor in place \(place)")
        let backoff = self.model.configuration.backoff
        let failures = self.failures[place, default: 0]
        if failures < 2 {
            try check(action.delay == .zero, "\(action.id) waits after \(failures) failures")
        } else {
            let doubled = backoff.shortest.nanoseconds << Int64(min(failures - 2, 16))
            let longest = min(doubled, backoff.longest.nanoseconds)
            let range = longest / 2...longest
            try check(range.contains(action.delay.nanoseconds), "\(action.delay) after \(failures) failures")
        }
        try self.start(action)
    }
}
