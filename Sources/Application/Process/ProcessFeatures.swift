import Configuration
import Features
import Logging
import NIOCore
import NIOPosix
import Platform
import WorkerPool

/// Returns memory to the system that is no longer in use.
struct FreeMemoryFeature: Feature {
    private let task = BackgroundTask()

    func start(_ service: ServiceView) async throws {
        self.task.start {
            while (try? await Task.sleep(for: FreeMemory.interval)) != nil {
                FreeMemory.giveBack()
            }
        }
    }

    func stop() async {
        await self.task.stop()
    }
}

/// Reaps processes that workers left behind, and kills the remaining ones when the service stops.
struct LeftoversFeature: Feature {
    let descendants: Descendants
    let pool: WorkerPool
    let logger: Logger
    private let task = BackgroundTask()

    init(_ descendants: Descendants, pool: WorkerPool, logger: Logger) {
        self.descendants = descendants
        self.pool = pool
        self.logger = logger
    }

    func start(_ service: ServiceView) async throws {
        self.task.start { await self.reap() }
    }

    private func reap() async {
        var children = AdoptedChildren()
        while (try? await Task.sleep(for: AdoptedChildren.interval)) != nil {
            // Must precede the reaping, which frees process ids for reuse.
            self.descendants.lookAtInherited()
            children.reap(sparing: self.pool.processIDs)
        }
    }

    /// Kills the descendants that outlived their workers.
    func stop() async {
        await self.task.stop()
        let count = self.descendants.kill()
        if count > 0 {
            self.logger.notice("processes that workers left behind were killed", metadata: ["count": "\(count)"])
        }
    }
}

/// The event loops' threads: started before, and stopped after, all features that need them.
struct EventLoopsFeature: Feature {
    let group: MultiThreadedEventLoopGroup

    func stop() async {
        try? await self.group.shutdownGracefully()
    }
}

/// Reports the service's phase to systemd, and that it is alive while every event loop is.
struct ServiceManagerFeature: Feature {
    let manager: ServiceManager?
    let group: MultiThreadedEventLoopGroup
    private let watchdog = BackgroundTask()

    init(_ manager: ServiceManager?, group: MultiThreadedEventLoopGroup) {
        self.manager = manager
        self.group = group
    }

    func start(_ service: ServiceView) async throws {
        if let manager, let interval = manager.watchdogInterval {
            self.watchdog.start { await self.feed(manager, every: interval) }
        }
    }

    private func feed(_ manager: ServiceManager, every interval: Duration) async {
        while (try? await Task.sleep(for: interval)) != nil {
            for loop in self.group.makeIterator() {
                try? await loop.submit {}.get()
            }
            manager.notify(.watchdog)
        }
    }

    func ready() {
        self.manager?.notify(.ready)
    }

    func reloading() {
        self.manager?.notify(.reloading)
    }

    func drain() {
        self.manager?.notify(.stopping)
    }

    /// The watchdog checks the event loops, so it ends before them.
    func stop() async {
        await self.watchdog.stop()
    }
}
