/// `tcp.pool`: the workers behind all listeners (docs/configuration.md).
package struct PoolSettings: Sendable, Equatable {
    /// The most workers that `num_workers` may ask for.
    package static let maximumWorkers = 500

    /// `num_workers`: 1…500; 0 or nothing in the file means one for each CPU, already resolved here.
    package var numWorkers: Int
    /// `max_jobs`: events (every kind counts) after which a worker is replaced; 0, the default, is never.
    package var maxJobs: Int
    /// `max_queue_size`: events running and waiting, past which a connection is refused; 0, the default, is no limit.
    package var maxQueueSize: Int
    /// `allocate_timeout`: the longest wait for a free worker, and the limit of a handshake. Default 60 s.
    package var allocateTimeout: Duration
    /// `destroy_timeout`: what a worker gets to stop before it is killed. Default 60 s.
    package var destroyTimeout: Duration
    /// `reset_timeout`: what a worker that a reset replaces gets for its event once its successor is ready. Default 60 s.
    package var resetTimeout: Duration
    /// `debug`: a fresh worker for each event. Default `false`.
    package var debug: Bool
    /// `command`: the argument vector that replaces `server.command` for this pool; empty means that it does not.
    package var command: [String]
    /// `supervisor`: `nil` when the section is absent and no limit of memory is known.
    package var supervisor: SupervisorSettings?
    /// `dynamic_allocator`: `nil` when the section is absent; then the pool does not grow.
    package var dynamicAllocator: DynamicAllocatorSettings?

    package init(
        numWorkers: Int = 1,
        maxJobs: Int = 0,
        maxQueueSize: Int = 0,
        allocateTimeout: Duration = .seconds(60),
        destroyTimeout: Duration = .seconds(60),
        resetTimeout: Duration = .seconds(60),
        debug: Bool = false,
        command: [String] = [],
        supervisor: SupervisorSettings? = nil,
        dynamicAllocator: DynamicAllocatorSettings? = nil
    ) {
        self.numWorkers = numWorkers
        self.maxJobs = maxJobs
        self.maxQueueSize = maxQueueSize
        self.allocateTimeout = allocateTimeout
        self.destroyTimeout = destroyTimeout
        self.resetTimeout = resetTimeout
        self.debug = debug
        self.command = command
        self.supervisor = supervisor
        self.dynamicAllocator = dynamicAllocator
    }
}

/// `tcp.pool.supervisor`: limits on a worker; all take effect after the current event, but ``execTTL``, which kills.
package struct SupervisorSettings: Sendable, Equatable {
    /// `watch_tick`: how often the limits are looked at; above zero, default 5 s.
    package var watchTick: Duration
    /// `ttl`: the longest life of a worker; zero, the default, is off.
    package var ttl: Duration
    /// `idle_ttl`: the longest a worker may be idle; zero, the default, is off.
    package var idleTTL: Duration
    /// `exec_ttl`: the longest an event may take; zero, the default, is off.
    package var execTTL: Duration
    /// `max_worker_memory`: resident memory in MB (2^20 bytes); 0 is off. The default is ``MemoryShare``, or 0.
    package var maxWorkerMemory: Int

    package init(
        watchTick: Duration = .seconds(5),
        ttl: Duration = .zero,
        idleTTL: Duration = .zero,
        execTTL: Duration = .zero,
        maxWorkerMemory: Int = 0
    ) {
        self.watchTick = watchTick
        self.ttl = ttl
        self.idleTTL = idleTTL
        self.execTTL = execTTL
        self.maxWorkerMemory = maxWorkerMemory
    }
}

/// `tcp.pool.dynamic_allocator`: how far the pool grows while events wait.
package struct DynamicAllocatorSettings: Sendable, Equatable {
    /// `max_workers`: workers on top of `num_workers`; 1…500, default 10.
    package var maxWorkers: Int
    /// `spawn_rate`: workers started at a time; 1…100, default 5.
    package var spawnRate: Int
    /// `idle_timeout`: idle time after which the pool shrinks back; above zero, default 1 min.
    package var idleTimeout: Duration

    package init(maxWorkers: Int = 10, spawnRate: Int = 5, idleTimeout: Duration = .seconds(60)) {
        self.maxWorkers = maxWorkers
        self.spawnRate = spawnRate
        self.idleTimeout = idleTimeout
    }
}
