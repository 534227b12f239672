import Features
import Logging
import NIOCore
import NIOPosix
import Observability
import Platform
import RPC
import TCPServer

extension Gateway {
    /// The parts of the service. A new feature is a line in ``list``.
    struct Composition: Sendable {
        let group: MultiThreadedEventLoopGroup
        let descendants: Descendants
        let workers: WorkersFeature
        let tcp: TCPFeature
        private let admin: AdminFeature
        private let metrics: ApplicationMetricsFeature?
        private let locks = LocksFeature()
        private let tls: TLSFeature
        private let kv: KeyValueFeature?
        private let rpc: RPCFeature?
        private let process: Process
        private let loggers: Loggers

        /// The features in the order of their start; they stop in the reverse one.
        ///
        /// Each may rely on those before it. A feature that workers call must be there before the first worker and until
        /// the last one is gone, so it stands before `workers`. A reload is prepared in this order, too: a feature that
        /// cannot undo its preparation comes last.
        var list: FeatureList<Settings> {
            let parts: [Part<Settings>?] = [
                Part(FreeMemoryFeature()),
                Part(LeftoversFeature(self.descendants, pool: self.workers.pool, logger: self.loggers.rr)),
                Part(EventLoopsFeature(group: self.group)),
                Part(ServiceManagerFeature(self.process.serviceManager, group: self.group)),
                Part(LogsFeature(loggers: self.loggers), \.logs),
                Part(self.tls),
                Part(self.admin),
                self.metrics.map { Part($0, \.metrics) },
                Part(self.locks),
                self.kv.map { Part($0) },
                self.rpc.map { Part($0) },
                Part(self.workers, \.self),
                Part(self.tcp, \.self),
            ]
            return FeatureList(parts.compactMap { $0 })
        }

        /// - Parameter effective: The configuration in effect, for callers who ask for it.
        init(
            _ settings: Settings,
            _ process: Process,
            _ loggers: Loggers,
            _ status: ServiceStatus,
            effective: EffectiveConfiguration
        ) throws {
            // NIO ends the process when it lacks descriptors for an event loop.
            let descriptorLimit = DescriptorLimit.raise(loggers.rr)
            try DescriptorLimit.check(
                descriptorLimit,
                loops: process.eventLoops,
                workers: settings.tcp.pool.keptWorkers,
                listeners: settings.tcp.servers.count,
                hasRPC: settings.rpc != nil
            )
            self.group = MultiThreadedEventLoopGroup(numberOfThreads: process.eventLoops)
            // Must exist before any process is started.
            self.descendants = Descendants()
            self.process = process
            self.loggers = loggers
            let tls = TLSFeature(logger: loggers.rr)
            self.tls = tls
            self.admin = AdminFeature(
                settings, tls: tls, workDirectory: process.workDirectory, logger: loggers.rr)
            self.workers = try WorkersFeature(
                settings,
                process,
                loops: Array(self.group.makeIterator()),
                descriptorLimit: descriptorLimit,
                logger: loggers.server
            )
            let rpcConnections = settings.rpc.map {
                DescriptorLimit.rpcConnections(of: descriptorLimit, wanted: $0.maxConnections)
            }
            let tcp = TCPFeature(
                settings,
                pool: self.workers.pool,
                group: self.group,
                descriptorLimit: descriptorLimit,
                others: DescriptorLimit.Others(
                    loops: process.eventLoops,
                    adminAddresses: self.admin.addressCount,
                    hasRelay: self.workers.hasRelay,
                    rpcConnections: rpcConnections
                ),
                tls: tls,
                workDirectory: process.workDirectory,
                logger: loggers.tcp,
                isDraining: { status.phase == .draining }
            )
            self.tcp = tcp
            let (metrics, locks) = (ApplicationMetricsFeature(settings.metrics, logger: loggers.rpc), self.locks)
            self.metrics = metrics
            let kv = KeyValueFeature(settings, workDirectory: process.workDirectory, logger: loggers.rr)
            self.kv = kv
            let calls = WorkerServices(pool: self.workers.pool) { tcp.workersChanged() }
            self.rpc = RPCFeature(
                settings,
                tls: tls,
                workDirectory: process.workDirectory,
                connections: rpcConnections ?? 0,
                owner: self.workers.groupID,
                services: { service, loop in
                    let services: [RPCService?] = [
                        .information { effective.report }, .connections(tcp.server.connections), calls.informer,
                        calls.resetter, settings.status.map { .status($0.unavailableStatusCode, service.health) },
                        metrics?.service, kv?.rpc, locks.service(on: loop), loggers.service,
                    ]
                    return services.compactMap { $0 }
                },
                logger: loggers.rpc
            )
        }
    }
}
