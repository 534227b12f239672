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
        case wanted, starting, idle
        case busy(Int)
    }

    struct Worker {
        var state = WorkerState.wanted
        var loop = 0
        var jobs = 0
        var readySince = NIODeadline.now()
        var busySince = NIODeadline.now()
        /// Whether its successor is ready, or it is one too many: it stops after its answer.
        var isRetiring = false
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

    init(_ configuration: PoolConfiguration, loopCount: Int) {
        self.configuration = configuration
        self.free = Array(repeating: [], count: loopCount)
    }

    var running: Int {
        self.requests.count - self.waiting.count
    }

    var ready: Int {
        self.workers.values.count { $0.state != .wanted && $0.state != .starting }
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

    mutating func lease(_ number: Int, to id: WorkerID, now: NIODeadline) throws(Violation) {
        guard var worker = self.workers[id], worker.state == .idle else {
            throw Violation(description: "\(id) got request \(number) but is not free")
        }
        guard let request = self.requests[number], request.worker == nil else {
            throw Violation(description: "request \(number) was given to \(id) but is gone or being served")
        }
        worker.state = .busy(number)
        worker.busySince = now
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

    /// Ends a worker's lease; its request is nobody's then.
    mutating func endLease(_ id: WorkerID) throws(Violation) -> Int {
        guard case .busy(let number) = self.workers[id]?.state else {
            throw Violation(description: "\(id) has no lease to end")
        }
        self.workers[id]?.state = .idle
        self.requests[number]?.worker = nil
        return number
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
        if case .busy(let number) = worker.state {
            throw Violation(description: "\(id) leaves with request \(number)")
        }
        self.free[worker.loop].removeAll { $0 == id }
        if !isPlanned, !worker.isRetiring, self.processes.contains(id) {
            self.lost.insert(id)
        }
    }
}
