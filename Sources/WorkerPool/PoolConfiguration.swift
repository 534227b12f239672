import NIOCore

/// The limits of a pool: `tcp.pool` of the configuration.
package struct PoolConfiguration: Sendable, Hashable {
    /// Workers to keep, 1…500.
    package var numWorkers: Int
    /// Events after which a worker is replaced, each worker with 0 to 14 % more of its own; 0 means never. It goes on
    /// until its successor is ready.
    package var maxJobs: Int
    /// The most running and waiting events; 0 means no limit. `CLOSE` events are never refused.
    package var maxQueueSize: Int
    /// How long an event waits for a free worker, and a new worker may take for its handshake.
    package var allocateTimeout: TimeAmount
    /// How long a worker may take to end after it was asked to.
    package var destroyTimeout: TimeAmount
    /// How long a worker that a reset replaces may take for its event once its successor is ready.
    package var resetTimeout: TimeAmount = .seconds(60)
    /// The limits of each worker.
    package var supervisor = Supervisor()
    /// More workers while events wait; `nil` keeps to ``numWorkers``.
    package var allocator: Allocator?
    /// The number of requests that a worker may have at once.
    package var pipeline = Pipeline.fixed(1)
    /// Workers that may answer one event with `{"stop":true}` before it fails.
    package var maxAttempts = 3
    /// The waits before a worker that keeps failing is started again: the first, and the longest.
    package var backoff = Backoff()

    /// Whether a worker may have several requests. In a pool without permanent workers (`debug`), each serves only one.
    package var isPipelined: Bool {
        self.pipeline != .fixed(1) && self.numWorkers > 0
    }

    /// `tcp.pool.pipeline`. A worker gets more than one request only if no worker is free.
    package enum Pipeline: Sendable, Hashable {
        /// The most requests that a worker may have.
        package static let deepest = 64

        /// 1…``deepest``; with 1, a worker gets its next request only after it has answered.
        case fixed(Int)
        /// As many as keep the average wait for earlier requests below this, based on the workers' recent times.
        case auto(wait: TimeAmount)
    }

    /// `tcp.pool.supervisor`; a limit that is `nil` is off. All but ``execTTL`` let the worker finish its request.
    package struct Supervisor: Sendable, Hashable {
        /// The interval at which the limits are checked.
        package var watchTick: TimeAmount = .seconds(5)
        /// How long a worker may live.
        package var ttl: TimeAmount?
        /// How long a worker may be idle.
        package var idleTTL: TimeAmount?
        /// How long a request may take; then the worker is killed.
        package var execTTL: TimeAmount?
        /// Bytes that a worker may hold resident.
        package var maxWorkerMemory: Int?

        package init() {}
    }

    /// `tcp.pool.dynamic_allocator`.
    package struct Allocator: Sendable, Hashable {
        /// The most workers beyond ``PoolConfiguration/numWorkers``.
        package var maxWorkers: Int
        /// Workers that may be starting at once.
        package var spawnRate: Int
        /// How long one of them is idle before it is stopped.
        package var idleTimeout: TimeAmount

        package init(maxWorkers: Int, spawnRate: Int, idleTimeout: TimeAmount) {
            self.maxWorkers = maxWorkers
            self.spawnRate = spawnRate
            self.idleTimeout = idleTimeout
        }
    }

    /// The most workers, not counting those that are being replaced.
    package var maximumWorkers: Int {
        self.numWorkers + (self.allocator?.maxWorkers ?? 0)
    }

    /// The interval at which the pool checks its workers; `nil` if it has no limits to check.
    var tickInterval: TimeAmount? {
        var intervals: [TimeAmount] = []
        if self.supervisor.ttl != nil || self.supervisor.idleTTL != nil || self.supervisor.maxWorkerMemory != nil {
            intervals.append(self.supervisor.watchTick)
        }
        if let execTTL = self.supervisor.execTTL {
            // So a request is cut off at most an eighth late.
            intervals.append(min(.nanoseconds(execTTL.nanoseconds / 8), .seconds(1)))
        }
        if let allocator {
            intervals.append(.nanoseconds(allocator.idleTimeout.nanoseconds / 4))
        }
        return intervals.min().map { max($0, .milliseconds(5)) }
    }

    /// Waits that double from ``shortest`` to ``longest``, each shortened by up to a half at random.
    package struct Backoff: Sendable, Hashable {
        package var shortest: TimeAmount = .milliseconds(100)
        package var longest: TimeAmount = .seconds(5)
        /// A worker that lived this long without a job does not count as failed when it ends.
        package var healthyAfter: TimeAmount = .seconds(5)

        package init() {}
    }

    package init(
        numWorkers: Int,
        maxJobs: Int = 0,
        maxQueueSize: Int = 0,
        allocateTimeout: TimeAmount = .seconds(60),
        destroyTimeout: TimeAmount = .seconds(60)
    ) {
        self.numWorkers = numWorkers
        self.maxJobs = maxJobs
        self.maxQueueSize = maxQueueSize
        self.allocateTimeout = allocateTimeout
        self.destroyTimeout = destroyTimeout
    }
}
