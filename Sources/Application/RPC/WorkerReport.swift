import Glibc
import JSON
import Platform
import WorkerPool

/// What `informer.Workers` and `rr workers` tell of a worker.
struct WorkerReport: Sendable, Hashable {
    var processID: Int32
    var state: PoolSnapshot.WorkerState
    /// Events that it has answered.
    var jobs: Int
    /// Nanoseconds since 1970.
    var created: Int64
    /// Bytes.
    var residentMemory: Int
    /// Of one processor, on average since the process started.
    var processorPercent: Double

    /// Reads `/proc`; `nil` if the process is gone.
    init?(_ worker: PoolSnapshot.Worker, bootTime: Int) {
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        guard let statistics = ProcessFiles().statistics(of: worker.processID), !statistics.hasEnded,
            let start = statistics.start
        else {
            return nil
        }
        self.processID = worker.processID
        self.state = worker.state
        self.jobs = worker.jobs
        self.residentMemory = worker.residentMemory
        let started = Double(start) / ticks
        self.created = Int64((Double(bootTime) + started) * 1e9)
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        let age = Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9 - started
        let used = Double(statistics.processorTime ?? 0) / ticks
        self.processorPercent = age > 0 ? used / age * 100 : 0
    }

    /// With RoadRunner's names and numbers, in its order: PHP's client wants all of them.
    var json: JSONValue {
        .object([
            JSONMember("pid", .integer(self.processID)),
            JSONMember("status", .integer(self.state.number)),
            JSONMember("numExecs", .integer(self.jobs)),
            JSONMember("created", .integer(self.created)),
            JSONMember("memoryUsage", .integer(self.residentMemory)),
            JSONMember("CPUPercent", JSONNumber(self.processorPercent).map { .number($0) } ?? .integer(0)),
            JSONMember("command", .string("")),
            JSONMember("statusStr", .string(self.state.text)),
        ])
    }

    /// All workers of a pool. Reads some files for each.
    static func all(of pool: WorkerPool) -> [WorkerReport] {
        let bootTime = ProcessFiles().bootTime() ?? 0
        return pool.snapshot().workers.compactMap { WorkerReport($0, bootTime: bootTime) }
    }
}

extension PoolSnapshot.WorkerState {
    fileprivate var number: Int {
        switch self {
        case .starting: 0
        case .ready: 1
        case .working: 2
        case .stopping: 4
        }
    }

    fileprivate var text: String {
        switch self {
        case .starting: "inactive"
        case .ready: "ready"
        case .working: "working"
        case .stopping: "stopping"
        }
    }
}
