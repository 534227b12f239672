extension SettingsReader {
    func pool(from reader: inout SectionReader) throws(ConfigurationError) -> PoolSettings {
        PoolSettings(
            numWorkers: try numWorkers(from: &reader),
            maxJobs: try reader.integer("max_jobs", default: 0, in: 0...Int.max),
            maxQueueSize: try reader.integer("max_queue_size", default: 0, in: 0...Int.max),
            allocateTimeout: try reader.duration("allocate_timeout", default: .seconds(60), .zeroIsDefault),
            destroyTimeout: try reader.duration("destroy_timeout", default: .seconds(60), .zeroIsDefault),
            resetTimeout: try reader.duration("reset_timeout", default: .seconds(60), .zeroIsDefault),
            streamTimeout: try reader.duration("stream_timeout", default: .seconds(60), .zeroIsDefault),
            debug: try reader.bool("debug", default: false),
            command: try reader.command("command"),
            supervisor: try reader.section("supervisor") { reader throws(ConfigurationError) in
                try self.supervisor(from: &reader)
            },
            dynamicAllocator: try reader.section("dynamic_allocator") { reader throws(ConfigurationError) in
                try self.dynamicAllocator(from: &reader)
            }
        )
    }

    /// Zero means one worker for each CPU, and is resolved here.
    private func numWorkers(from reader: inout SectionReader) throws(ConfigurationError) -> Int {
        guard let (number, place) = try reader.integer("num_workers") else {
            reader.note("num_workers", .integer(processorCount), from: nil)
            return processorCount
        }
        try reader.check(number, in: 0...PoolSettings.maximumWorkers, key: "num_workers", at: place)
        let workers = number == 0 ? processorCount : number
        reader.note("num_workers", .integer(workers), from: place)
        return workers
    }

    private func supervisor(from reader: inout SectionReader) throws(ConfigurationError) -> SupervisorSettings {
        SupervisorSettings(
            watchTick: try reader.duration("watch_tick", default: .seconds(5), .zeroIsDefault),
            ttl: try reader.duration("ttl", default: .zero, .zeroAllowed),
            idleTTL: try reader.duration("idle_ttl", default: .zero, .zeroAllowed),
            execTTL: try reader.duration("exec_ttl", default: .zero, .zeroAllowed),
            // In bytes it must still fit into 64 bits.
            maxWorkerMemory: try reader.integer("max_worker_memory", default: 0, in: 0...(1 << 40))
        )
    }

    /// Zero stands for the default, as in RoadRunner.
    private func dynamicAllocator(
        from reader: inout SectionReader
    ) throws(ConfigurationError) -> DynamicAllocatorSettings {
        DynamicAllocatorSettings(
            maxWorkers: try positive("max_workers", default: 10, most: PoolSettings.maximumWorkers, from: &reader),
            spawnRate: try positive("spawn_rate", default: 5, most: 100, from: &reader),
            idleTimeout: try reader.duration("idle_timeout", default: .seconds(60), .zeroIsDefault)
        )
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
