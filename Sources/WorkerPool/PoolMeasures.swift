/// The counts of a pool since its start.
package struct PoolMeasures: Sendable, Hashable {
    /// The waits of requests, recorded each time a worker takes one, with zero if a worker was free, and for each
    /// request that waited in vain.
    package internal(set) var waits = TimeHistogram()
    /// The times from giving a request to a worker to the worker's answer.
    package internal(set) var workerTimes = TimeHistogram()
    /// Workers whose place another one has taken, and failed starts.
    package private(set) var restarts: [RestartReason: UInt64] = [:]

    mutating func countRestart(_ reason: RestartReason) {
        self.restarts[reason, default: 0] &+= 1
    }
}

/// The reason why a worker's place was given to another one.
package enum RestartReason: String, Sendable, Hashable, CaseIterable {
    /// It never did its handshake.
    case start
    /// It ended by itself.
    case exit
    /// It wrote something else than an answer.
    case protocolError = "protocol"
    /// It was killed: `exec_ttl`.
    case execTTL = "exec_ttl"
    case maxJobs = "max_jobs"
    case ttl
    case idleTTL = "idle_ttl"
    case memory = "max_worker_memory"
    /// All workers were replaced: a reset or a reload.
    case reset
    /// It answered `{"stop":true}`.
    case requested

    init(_ code: WorkerFailure.Code) {
        switch code {
        case .start: self = .start
        case .exit: self = .exit
        case .protocolError: self = .protocolError
        case .execTTL: self = .execTTL
        case .resetTimeout: self = .reset
        }
    }
}
