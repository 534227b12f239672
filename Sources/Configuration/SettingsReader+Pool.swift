import Platform

extension SettingsReader {
    func pool(from reader: inout SectionReader) throws(ConfigurationError) -> PoolSettings {
        // Checked only: what is printed would be warned of when it is read again.
        var unnoted = reader
        _ = try unnoted.duration("stream_timeout", default: .seconds(60), .zeroIsDefault)
        return PoolSettings(
            numWorkers: try numWorkers(from: &reader),
            maxJobs: try reader.integer("max_jobs", default: 0, in: 0...Int.max),
            maxQueueSize: try reader.integer("max_queue_size", default: 0, in: 0...Int.max),
            allocateTimeout: try reader.duration("allocate_timeout", default: .seconds(60), .zeroIsDefault),
            destroyTimeout: try reader.duration("destroy_timeout", default: .seconds(60), .zeroIsDefault),
            resetTimeout: try reader.duration("reset_timeout", default: .seconds(60), .zeroIsDefault),
            debug: try reader.bool("debug", default: false),
            command: try reader.command("command"),
            supervisor: try supervisor(from: &reader),
            dynamicAllocator: try dynamicAllocator(from: &reader)
        )
    }

    /// Zero means one worker for each CPU, and is resolved here.
    private func numWorkers(from reader: inout SectionReader) throws(ConfigurationError) -> Int {
        let given = try reader.integer("num_workers")
        if let (number, place) = given {
            try reader.check(number, in: 0...PoolSettings.maximumWorkers, key: "num_workers", at: place)
            if number > 0 {
                reader.note("num_workers", .integer(number), from: place)
                return number
            }
        }
        let workers = min(machine.processors.count, PoolSettings.maximumWorkers)
        let origin = ValueOrigin.derived(given?.place.origin ?? .defaultValue, "one for each \(machine.processors)")
        reader.note("num_workers", .scalar(.integer(workers), origin: origin))
        return workers
    }

    /// The section is there whenever `max_worker_memory` has a default.
    private func supervisor(from pool: inout SectionReader) throws(ConfigurationError) -> SupervisorSettings? {
        let memory = try memoryShare(pool)
        let read = { (reader: inout SectionReader) throws(ConfigurationError) in
            try self.supervisor(from: &reader, memory)
        }
        return try memory == nil ? pool.section("supervisor", read) : pool.sectionOrEmpty("supervisor", read)
    }

    /// Looks ahead: a worker's share depends on how many there may be. What is odd about those keys is reported once.
    private func memoryShare(_ pool: SectionReader) throws(ConfigurationError) -> MemoryShare? {
        var ahead = pool
        // In debug mode each worker has a single event.
        guard let limit = machine.memoryLimit, try !ahead.bool("debug", default: false) else { return nil }
        let more = try dynamicAllocator(from: &ahead)?.maxWorkers ?? 0
        return MemoryShare(of: limit, workers: try numWorkers(from: &ahead) + more)
    }

    private func supervisor(
        from reader: inout SectionReader,
        _ memory: MemoryShare?
    ) throws(ConfigurationError) -> SupervisorSettings {
        SupervisorSettings(
            watchTick: try reader.duration("watch_tick", default: .seconds(5), .zeroIsDefault),
            ttl: try reader.duration("ttl", default: .zero, .zeroAllowed),
            idleTTL: try reader.duration("idle_ttl", default: .zero, .zeroAllowed),
            execTTL: try reader.duration("exec_ttl", default: .zero, .zeroAllowed),
            maxWorkerMemory: try maxWorkerMemory(from: &reader, memory)
        )
    }

    private func maxWorkerMemory(
        from reader: inout SectionReader,
        _ memory: MemoryShare?
    ) throws(ConfigurationError) -> Int {
        let key = "max_worker_memory"
        guard let memory, try reader.integer(key) == nil else {
            // In bytes it must still fit into 64 bits.
            return try reader.integer(key, default: 0, in: 0...(1 << 40))
        }
        reader.note(key, .scalar(.integer(memory.megabytes), origin: .derived(.defaultValue, memory.description)))
        return memory.megabytes
    }

    /// Zero stands for the default, as in RoadRunner.
    private func dynamicAllocator(
        from pool: inout SectionReader
    ) throws(ConfigurationError) -> DynamicAllocatorSettings? {
        try pool.section("dynamic_allocator") { reader throws(ConfigurationError) in
            DynamicAllocatorSettings(
                maxWorkers: try positive("max_workers", default: 10, most: PoolSettings.maximumWorkers, from: &reader),
                spawnRate: try positive("spawn_rate", default: 5, most: 100, from: &reader),
                idleTimeout: try reader.duration("idle_timeout", default: .seconds(60), .zeroIsDefault)
            )
        }
    }

    private func positive(
        _ key: String,
        default fallback: Int,
        most: Int,
        from reader: inout SectionReader
    ) throws(ConfigurationError) -> Int {
        guard let (number, place) = try reader.integer(key), number != 0 else {
            reader.note(key, .integer(fallback), from: nil)
            return fallback
        }
        try reader.check(number, in: 1...most, key: key, at: place)
        reader.note(key, .integer(number), from: place)
        return number
    }
}
