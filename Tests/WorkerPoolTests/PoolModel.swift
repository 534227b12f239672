import NIOCore

@testable import WorkerPool

/// A rule that a pool has broken.
struct Violation: Error, CustomStringConvertible {
    var description: String
}

func check(_ condition: Bool, _ message: @autoclosure () -> String) throws(Violation) {
    if !condition {
        throw Violation(description: message())
    }
}

/// What is true of a pool according to what it was told and what it decided, kept apart from the machine.
///
/// It is the plainest thing that can be: sets and sorted arrays, no counters. Every decision of the machine passes
/// through it and is compared with the one that the rules ask for.
struct PoolModel {
    enum WorkerState: Hashable {
        case wanted, starting, ready
    }

    struct Worker {
        var state = WorkerState.wanted
        var loop = 0
        var jobs = 0
        var readySince = NIODeadline.now()
        /// When its first request became the first.
        var busySince = NIODeadline.now()
        /// Requests that it has, in order; `nil` for one that was failed when the worker was to be killed.
        var leases: [Int?] = []
        var pipelines = false
        /// Whether its successor is ready, or it is one too many, or it has refused a request: it stops when it has
        /// answered what it has.
        var isRetiring = false
        /// Whether that is because it has refused a request: it counts until it leaves.
        var hasRefused = false
        /// Why it is being killed.
        var killed: WorkerFailure?

        var leaves: Bool {
            self.isRetiring || self.killed != nil
        }

        var isIdle: Bool {
            self.state == .ready && self.leases.isEmpty && !self.leaves
        }
    }

    struct Request {
        var isClose: Bool
        /// Before this its wait does not end; never for a CLOSE.
        var deadline = NIODeadline.distantFuture
        /// By then its wait ends: later than the deadline only for one that is tried again behind one with more time.
        var latest = NIODeadline.distantFuture
        var refusals = 0
        var losses = 0
        var worker: WorkerID?
    }

    var configuration: PoolConfiguration
    /// Workers that hold a place.
    var workers: [WorkerID: Worker] = [:]
    /// Processes launched and not reaped.
    var processes: Set<WorkerID> = []
    /// Those of them that left their place, but not as planned.
    var lost: Set<WorkerID> = []
    /// Requests that were accepted and have not been finished; they are numbered in the order in which they came.
    var requests: [Int: Request] = [:]
    /// Those that wait, in order.
    var waiting: [Int] = []
    /// Idle workers of each loop, the last freed last.
    var free: [[WorkerID]]
    var finished = 0
    /// Requests that were given to a worker behind another one.
    var pipelined = 0

    init(_ configuration: PoolConfiguration, loopCount: Int) {
        self.configuration = configuration
        self.free = Array(repeating: [], count: loopCount)
    }

    var running: Int {
        self.requests.count - self.waiting.count
    }

    var ready: Int {
        self.workers.values.count { $0.state == .ready }
    }

    /// The worker that the next request from a loop must get.
    func expectedFree(loop: Int) -> WorkerID? {
        if let own = self.free[loop].last {
            return own
        }
        return self.free.lazy.compactMap(\.last).first
    }

    // MARK: Requests

    mutating func wait(_ number: Int, now: NIODeadline) throws(Violation) {
        guard var request = self.requests[number], request.worker == nil else {
            throw Violation(description: "request \(number) waits though it is gone or being served")
        }
        let position = self.waiting.firstIndex { $0 > number } ?? self.waiting.endIndex
        if !request.isClose {
            let behind = self.waiting[position...].first { self.requests[$0]?.isClose == false }
            let before = self.waiting[..<position].last { self.requests[$0]?.isClose == false }
            request.deadline = max(
                min(
                    now + self.configuration.allocateTimeout,
                    behind.flatMap { self.requests[$0]?.deadline } ?? .distantFuture
                ),
                before.flatMap { self.requests[$0]?.deadline } ?? .distantPast
            )
            request.latest = request.deadline
        }
        self.requests[number] = request
        self.waiting.insert(number, at: position)
    }

    /// The first that waits, or one that none waits before, is given to a worker.
    ///
    /// - Parameter depth: Requests that a worker may have.
    mutating func lease(_ number: Int, to id: WorkerID, depth: Int, now: NIODeadline) throws(Violation) {
        guard var worker = self.workers[id], worker.state == .ready, !worker.leaves else {
            throw Violation(description: "\(id) got request \(number) but is not there to serve it")
        }
        guard let request = self.requests[number], request.worker == nil else {
            throw Violation(description: "request \(number) was given to \(id) but is gone or being served")
        }
        let first = self.waiting.first
        try check(first == nil || first == number, "request \(number) is served before \(first ?? -1)")
        if worker.leases.isEmpty {
            worker.busySince = now
        } else {
            try check(worker.pipelines && worker.leases.count < depth, "\(id) got request \(number) too early")
            try check(self.free.allSatisfy(\.isEmpty), "request \(number) is behind another while a worker is free")
            self.pipelined += 1
        }
        worker.leases.append(number)
        self.workers[id] = worker
        self.requests[number]?.worker = id
        self.free[worker.loop].removeAll { $0 == id }
        self.waiting.removeAll { $0 == number }
    }

    mutating func finish(_ number: Int) throws(Violation) {
        try check(self.requests.removeValue(forKey: number) != nil, "request \(number) was finished twice")
        self.waiting.removeAll { $0 == number }
        self.finished += 1
    }

    /// Ends a worker's first leases; their requests are with no worker then.
    mutating func endLeases(_ id: WorkerID, _ count: Int, now: NIODeadline) throws(Violation) -> [Int?] {
        guard var worker = self.workers[id], worker.leases.count >= count else {
            throw Violation(description: "\(id) has not \(count) leases to end")
        }
        let ended = Array(worker.leases.prefix(count))
        worker.leases.removeFirst(count)
        worker.busySince = now
        self.workers[id] = worker
        for case .some(let number) in ended {
            self.requests[number]?.worker = nil
        }
        return ended
    }

    /// A worker is killed, and its first request fails. One with others is there until it has ended.
    mutating func kill(_ id: WorkerID, _ number: Int, _ failure: WorkerFailure) throws(Violation) {
        guard let worker = self.workers[id], worker.leases.first == number else {
            throw Violation(description: "\(id) is killed for request \(number), which is not its first")
        }
        try self.finish(number)
        if worker.leases.count == 1 {
            self.workers[id]?.leases = []
            try self.leave(id, isPlanned: false)
        } else {
            self.workers[id]?.leases[0] = nil
            self.workers[id]?.killed = failure
        }
    }

    // MARK: Workers

    /// Processes, but for some of those on their planned way out.
    var countedProcesses: Int {
        let retiring = self.workers.count { $0.value.isRetiring }
        let leaving = self.processes.count { self.workers[$0] == nil && !self.lost.contains($0) } + retiring
        let most = max(self.configuration.numWorkers + (self.configuration.allocator?.maxWorkers ?? 0), 16)
        return self.lost.count + self.workers.count { $0.value.state != .wanted && !$0.value.isRetiring }
            + max(0, leaving - most)
    }

    /// How many those may be: the workers that the pool may have, and successors of a quarter of them.
    var mostProcesses: Int {
        let workers = self.configuration.numWorkers
        return workers + (self.configuration.allocator?.maxWorkers ?? 0) + max(1, workers / 4)
    }

    mutating func want(_ id: WorkerID) throws(Violation) {
        try check(self.workers[id] == nil, "\(id) is started twice")
        try check(!self.workers.keys.contains { $0.place == id.place }, "two workers in the place of \(id)")
        self.workers[id] = Worker()
    }

    /// A worker leaves its place.
    mutating func leave(_ id: WorkerID, isPlanned: Bool = true) throws(Violation) {
        guard let worker = self.workers.removeValue(forKey: id) else {
            throw Violation(description: "\(id) leaves but holds no place")
        }
        let left = worker.leases.compactMap { $0 }
        try check(left.isEmpty, "\(id) leaves with requests \(left)")
        self.free[worker.loop].removeAll { $0 == id }
        if !isPlanned, !worker.isRetiring, self.processes.contains(id) {
            self.lost.insert(id)
        }
    }
}
