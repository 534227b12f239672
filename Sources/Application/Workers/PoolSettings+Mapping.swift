import NIOCore
import WorkerPool

extension PoolConfiguration {
    init(_ settings: PoolSettings) {
        self.init(
            numWorkers: settings.keptWorkers,
            maxJobs: settings.debug ? 1 : settings.maxJobs,
            maxQueueSize: settings.maxQueueSize,
            allocateTimeout: TimeAmount(clamping: settings.allocateTimeout),
            destroyTimeout: TimeAmount(clamping: settings.destroyTimeout)
        )
        self.resetTimeout = TimeAmount(clamping: settings.resetTimeout)
        switch settings.pipeline.depth {
        case .auto: self.pipeline = .auto(wait: TimeAmount(clamping: settings.pipeline.maxWait))
        case .fixed(let depth): self.pipeline = .fixed(depth)
        }
        if let supervisor = settings.supervisor {
            self.supervisor = Supervisor(supervisor)
        }
        if settings.debug {
            let most = PoolSettings.maximumWorkers
            self.allocator = Allocator(maxWorkers: most, spawnRate: most, idleTimeout: .seconds(1))
        } else if let allocator = settings.dynamicAllocator {
            self.allocator = Allocator(
                maxWorkers: allocator.maxWorkers,
                spawnRate: allocator.spawnRate,
                idleTimeout: TimeAmount(clamping: allocator.idleTimeout)
            )
        }
    }
}

extension WorkerPool {
    /// `tcp.max_pending`.
    func limitPendingAnswers(_ settings: TCPSettings) {
        self.pendingAnswers.setLimit(settings.maxPending > 0 ? settings.maxPending << 20 : nil)
    }
}

extension PoolConfiguration.Supervisor {
    init(_ settings: SupervisorSettings) {
        func limit(_ duration: Duration) -> TimeAmount? {
            duration > .zero ? TimeAmount(clamping: duration) : nil
        }
        self.init()
        self.watchTick = TimeAmount(clamping: settings.watchTick)
        self.ttl = limit(settings.ttl)
        self.idleTTL = limit(settings.idleTTL)
        self.execTTL = limit(settings.execTTL)
        self.maxWorkerMemory = settings.maxWorkerMemory > 0 ? settings.maxWorkerMemory << 20 : nil
    }
}
