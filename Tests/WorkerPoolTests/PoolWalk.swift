import NIOCore
import TestSupport

@testable import WorkerPool

/// Random events for a pool's machine, each decision checked against ``PoolModel``.
struct PoolWalk {
    typealias Machine = PoolStateMachine<Int, WorkerID>

    let loopCount: Int
    /// Whether workers are also supervised and reset.
    let isSupervised: Bool
    /// Whether the limits change, too.
    let isReconfigured: Bool
    /// Whether all but CLOSE is given up on the way.
    let isCutOff: Bool
    /// Whether requests prefer workers.
    let isSticky: Bool
    /// The unit of the configuration's times: where the depth depends on what workers take, all goes faster.
    let second: TimeAmount
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
        isSticky: Bool = false,
        second: TimeAmount,
        random: SeededGenerator
    ) {
        var random = random
        self.loopCount = loops
        self.isSupervised = isSupervised
        self.isReconfigured = isReconfigured
        self.isCutOff = isCutOff
        self.isSticky = isSticky
        self.second = second
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
        try self.occupy(PoolOutcome(self.machine.start()).start)
        for _ in 0..<steps where !self.startFailed {
            try self.takeStep()
            try self.checkCounts()
        }
        try self.close()
    }

    private mutating func takeStep() throws(Violation) {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<30: try self.submit()
        case 30..<56: try self.answer()
        case 56..<58: try self.pipeline()
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

    mutating func pick(where condition: (PoolModel.Worker) -> Bool) -> WorkerID? {
        let ids = self.model.workers.filter { condition($0.value) }.map(\.key)
        return ids.sorted { $0.place < $1.place }.randomElement(using: &self.random)
    }

    mutating func pickBusy() -> WorkerID? {
        self.pick { !$0.leases.isEmpty }
    }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &self.random) < percent
    }

    // MARK: Actions of the machine

    /// Requests that a worker may have at once.
    var depth: Int {
        switch self.model.configuration.pipeline {
        case .fixed(let depth): depth
        case .auto(let wait): self.machine.times.depth(wait: wait, most: PoolConfiguration.Pipeline.deepest)
        }
    }

    mutating func lease(_ number: Int, to id: WorkerID) throws(Violation) {
        try self.model.lease(number, to: id, depth: self.depth, now: self.now)
    }

    mutating func arm(_ outcome: PoolOutcome) {
        self.timers += outcome.timers
    }

    /// Workers are killed for the first request that each has.
    mutating func kill(_ outcome: PoolOutcome) throws(Violation) {
        for ((id, number), failure) in zip(outcome.kill, outcome.killed) {
            guard let worker = self.model.workers[id] else {
                throw Violation(description: "\(id) is killed and is not there")
            }
            try self.model.kill(id, number, failure)
            if self.model.workers[id] == nil {
                self.countFailure(of: worker, in: id.place)
            } else if worker.hasRefused {
                // It counts, and is not on its planned way out any more.
                self.model.workers[id]?.isRetiring = false
            }
        }
    }

    /// Workers without a request leave.
    mutating func stop(_ ids: [WorkerID]) throws(Violation) {
        for id in ids {
            try check(self.model.workers[id]?.leases.isEmpty == true, "\(id) is stopped and not idle")
            try self.leave(id)
        }
    }

    /// Workers before their handshake leave.
    mutating func dismiss(_ ids: [WorkerID]) throws(Violation) {
        for id in ids {
            try check(self.model.workers[id]?.state == .starting, "\(id) is dismissed and not starting")
            try self.leave(id)
        }
    }

    /// A worker leaves its place as planned: it has not failed.
    mutating func leave(_ id: WorkerID) throws(Violation) {
        try self.model.leave(id)
        self.failures[id.place] = 0
    }

    /// A worker has ended by itself: a failure unless it was of use.
    mutating func countFailure(of worker: PoolModel.Worker, in place: Int) {
        let lifetime = self.now - worker.readySince
        let isReady = worker.state != .starting
        let isUseful = isReady && (worker.jobs > 0 || lifetime >= self.model.configuration.backoff.healthyAfter)
        self.failures[place] = isUseful ? 0 : self.failures[place, default: 0] + 1
    }

    /// Whether none is to take a worker's place when it leaves: its successor is there, or on its way.
    func isFollowed(_ id: WorkerID) -> Bool {
        let places = self.machine.roster.places
        return !places[id.place].standing.isCounted || places.contains { $0.standing == .successor(of: id) }
    }

    /// Whether the worker in a place is to take over from another one.
    func isSuccessor(_ place: Int) -> Bool {
        if case .successor = self.machine.roster.places[place].standing { true } else { false }
    }

    /// A worker has left its place: its own successor starts, if it needs one, and others that may.
    mutating func follow(_ id: WorkerID, _ starts: [WorkerStart], isFollowed: Bool) throws(Violation) {
        let own = starts.first { start in
            // Another one's successor may come into the place at once.
            start.id.place == id.place && self.model.workers[start.id] == nil && !self.isSuccessor(id.place)
        }
        if isFollowed, !self.isSupervised {
            try check(own == nil, "\(id) has two successors")
        } else if !isFollowed {
            try self.successor(in: id.place, own)
        }
        try self.occupy(starts.filter { isFollowed || $0 != own })
    }

    /// Workers start at once, unless the last ones in their place have failed.
    mutating func occupy(_ starts: [WorkerStart]) throws(Violation) {
        for start in starts {
            if self.held.remove(start.id) != nil {
                try check(start.delay == .zero, "\(start.id) has waited already")
                self.starts.append((start.id, self.now))
                self.released.insert(start.id)
                continue
            }
            guard self.isSuccessor(start.id.place) else {
                try self.successor(in: start.id.place, start)
                continue
            }
            // A worker's successor waits after others' that have failed.
            self.failures[start.id.place] = 0
            try self.start(start)
        }
    }

    private mutating func start(_ start: WorkerStart) throws(Violation) {
        try self.model.want(start.id)
        self.starts.append((start.id, self.now + start.delay))
    }

    /// A worker has left its place: its successor starts at once or after the wait that its failures ask for.
    private mutating func successor(in place: Int, _ start: WorkerStart?) throws(Violation) {
        guard let start else {
            try check(self.isSupervised || !self.machine.isOpen, "no successor in place \(place)")
            return
        }
        try check(start.id.place == place, "\(start.id) is no successor in place \(place)")
        let backoff = self.model.configuration.backoff
        let failures = self.failures[place, default: 0]
        if failures < 2 {
            try check(start.delay == .zero, "\(start.id) waits after \(failures) failures")
        } else {
            let doubled = backoff.shortest.nanoseconds << Int64(min(failures - 2, 16))
            let longest = min(doubled, backoff.longest.nanoseconds)
            let range = longest / 2...longest
            try check(range.contains(start.delay.nanoseconds), "\(start.delay) after \(failures) failures")
        }
        try self.start(start)
    }
}
