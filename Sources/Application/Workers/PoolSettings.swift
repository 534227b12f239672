import Configuration
import Platform
import WorkerPool

/// `tcp.pool`: the workers behind all listeners.
struct PoolSettings: Sendable, Equatable {
    /// The most workers that `num_workers` may ask for.
    static let maximumWorkers = 500

    /// Never 0 once read from a file.
    var numWorkers = 1
    var maxJobs = 0
    var maxQueueSize = 0
    var allocateTimeout = Duration.seconds(60)
    var destroyTimeout = Duration.seconds(60)
    var resetTimeout = Duration.seconds(60)
    var debug = false
    /// Empty if `server.command` applies.
    var command: [String] = []
    /// `nil` when the section is absent; then the pool does not grow.
    var dynamicAllocator: DynamicAllocatorSettings?
    /// `nil` when the section is absent and no limit of memory is known.
    var supervisor: SupervisorSettings?
    var pipeline = PipelineSettings()

    /// The permanent workers, without those that the pool may grow by. In debug mode every event gets a fresh one.
    var keptWorkers: Int {
        self.debug ? 0 : self.numWorkers
    }

    static let section = Section(Self()) {
        Key.numWorkers
        Key(
            "max_jobs", \.maxJobs, .integer(in: 0...Int.max),
            "Events after which a worker is replaced, plus up to 14 % at random so that not all restart at once; "
                + "0: never. It goes on until its successor is ready, however long that takes: longer than its limit "
                + "rather than not at all."
        )
        Key(
            "max_queue_size", \.maxQueueSize, .integer(in: 0...Int.max),
            "Events running and waiting; more close their connection (`max queue size reached`). 0: no limit."
        )
        Key(
            "allocate_timeout", \.allocateTimeout, .duration(.zeroIsDefault),
            "The longest wait for a free worker, then the connection is closed; also what a worker gets to start."
        )
        Key(
            "destroy_timeout", \.destroyTimeout, .duration(.zeroIsDefault),
            "What a worker gets to stop before it is killed; never longer than the grace period."
        )
        Key(
            "reset_timeout", \.resetTimeout, .duration(.zeroIsDefault),
            "After a reset or a reload: how long a worker may take to finish its event once its successor is ready; "
                + "then it is killed and the connection closed."
        )
        Key.withoutEffect(
            "stream_timeout", "a TCP answer is never streamed", checkedAs: .duration(.zeroIsDefault))
        Key(
            "debug", \.debug, .bool,
            "A fresh worker for each event, none kept; `num_workers` and `max_jobs` are ignored."
        )
        Key("command", \.command, .command, "Instead of `server.command`.")
        Key("dynamic_allocator", \.dynamicAllocator, section: DynamicAllocatorSettings.section)
        Key("supervisor", \.supervisor, section: SupervisorSettings.section) { reader, pool in
            SupervisorSettings.default(for: pool, on: reader.context.machine)
        }
        Key("pipeline", \.pipeline, section: PipelineSettings.section)
    }
}

/// `tcp.pool.pipeline`: the number of events that a worker may have at once.
struct PipelineSettings: Sendable, Equatable {
    enum Depth: Sendable, Equatable {
        case auto
        case fixed(Int)
    }

    var depth = Depth.auto
    /// Above zero; for ``Depth/auto``.
    var maxWait = Duration.microseconds(500)

    static let section = Section(Self()) {
        Key(
            "depth", \.depth, .depth, marks: .ours,
            "Events that a worker may have at once while none is free: [pipelining](protocol.md#pipelining)."
        )
        Key(
            "max_wait", \.maxWait, .duration(.zeroIsDefault), marks: .ours,
            "With `depth: auto`: how long an event may wait on average for those that its worker has before it, by what "
                + "events took lately."
        )
    }
}

extension ValueKind<PipelineSettings.Depth> {
    fileprivate static var depth: ValueKind {
        let most = PoolConfiguration.Pipeline.deepest
        return ValueKind(
            type: "integer or `auto`",
            range: "1…\(most)",
            effective: { depth in
                switch depth {
                case .auto: .scalar(.text("auto"))
                case .fixed(let number): .scalar(.integer(number))
                }
            },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (scalar, place) = try reader.nonEmptyScalar(key) else { return nil }
                guard scalar.text.lowercased() != "auto" else {
                    reader.note(key, .text("auto"), from: place)
                    return .auto
                }
                guard let (number, numberPlace) = try reader.integer(key) else { return nil }
                try reader.check(number, in: 1...most, key: key, at: numberPlace)
                reader.note(key, .integer(number), from: numberPlace)
                return .fixed(number)
            }
        )
    }
}

extension Key<PoolSettings> {
    /// Zero means one worker for each CPU, and is resolved here.
    fileprivate static var numWorkers: Key {
        let most = PoolSettings.maximumWorkers
        let kind = ValueKind<Int>(
            type: "integer",
            range: "0…\(most)",
            effective: { .scalar(.integer($0)) },
            read: { reader, key, _ throws(ConfigurationError) in
                let given = try reader.integer(key)
                if let (number, place) = given {
                    try reader.check(number, in: 0...most, key: key, at: place)
                    if number > 0 {
                        reader.note(key, .integer(number), from: place)
                        return number
                    }
                }
                let processors = reader.context.machine.processors
                let workers = min(processors.count, most)
                let origin = ValueOrigin.derived(given?.place.origin ?? .defaultValue, "one for each \(processors)")
                reader.note(key, .scalar(.integer(workers), origin: origin))
                return workers
            }
        )
        return Key(
            "num_workers", \.numWorkers, kind, "0: one for each [CPU](#what-the-machine-gives).", default: "CPUs")
    }
}

/// `tcp.pool.supervisor`: limits on a worker; all take effect after the current event, but ``execTTL``, which kills.
struct SupervisorSettings: Sendable, Equatable {
    /// Above zero.
    var watchTick = Duration.seconds(5)
    /// Zero disables it, as for the next three.
    var ttl = Duration.zero
    var idleTTL = Duration.zero
    var execTTL = Duration.zero
    /// In MB (2^20 bytes).
    var maxWorkerMemory = 0

    static let section = Section(Self()) {
        Key(
            "watch_tick", \.watchTick, .duration(.zeroIsDefault),
            "How often the limits below are looked at. All but `exec_ttl` let a worker finish its event, and its "
                + "successor is ready before it stops."
        )
        Key("ttl", \.ttl, .duration(.zeroAllowed), "The longest life of a worker. 0: off.")
        Key("idle_ttl", \.idleTTL, .duration(.zeroAllowed), "The longest a worker may be idle. 0: off.")
        Key(
            "exec_ttl", \.execTTL, .duration(.zeroAllowed),
            "The longest an event may take; then the worker is killed and the connection closed, at most an eighth "
                + "late. 0: off."
        )
        Key(
            // The value in bytes must fit into 64 bits.
            "max_worker_memory", \.maxWorkerMemory, .integer(in: 0...(1 << 40), unit: "MB"),
            "Resident memory. 0: off.", default: "[by the cgroup](#what-the-machine-gives), or 0"
        )
    }

    /// The section exists whenever `max_worker_memory` has a default, which depends on the largest number of workers.
    fileprivate static func `default`(
        for pool: PoolSettings, on machine: MachineResources
    ) -> DerivedDefault<SupervisorSettings>? {
        let workers = pool.numWorkers + (pool.dynamicAllocator?.maxWorkers ?? 0)
        // In debug mode each worker has a single event.
        guard let limit = machine.memoryLimit, !pool.debug, let share = MemoryShare(of: limit, workers: workers) else {
            return nil
        }
        return DerivedDefault(
            SupervisorSettings(maxWorkerMemory: share.megabytes), key: "max_worker_memory", reason: share.description)
    }
}

/// `tcp.pool.dynamic_allocator`: how far the pool grows while events wait.
struct DynamicAllocatorSettings: Sendable, Equatable {
    var maxWorkers = 10
    var spawnRate = 5
    /// Above zero.
    var idleTimeout = Duration.seconds(60)

    static let section = Section(Self()) {
        Key(
            "max_workers", \.maxWorkers, .integer(in: 1...PoolSettings.maximumWorkers, zeroIsDefault: true),
            "On top of `num_workers`; started as soon as events wait."
        )
        Key(
            "spawn_rate", \.spawnRate, .integer(in: 1...100, zeroIsDefault: true),
            "How many may be starting at once."
        )
        Key(
            "idle_timeout", \.idleTimeout, .duration(.zeroIsDefault),
            "A worker beyond `num_workers` that was idle for so long is stopped."
        )
    }
}
