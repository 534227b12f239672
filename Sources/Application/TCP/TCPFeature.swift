import Features
import Logging
import NIOPosix
import Observability
import Platform
import Sockets
import Synchronization
import TCPServer
import TLS
import WorkerPool

/// The listeners of `tcp.servers` and their connections.
///
/// The lifecycle decides when they listen and how they drain.
final class TCPFeature: Feature {
    private let settings: Settings
    private let descriptorLimit: Int
    private let others: DescriptorLimit.Others
    private let tls: TLSFeature
    private let workDirectory: String
    private let logger: Logger
    private let isDraining: @Sendable () -> Bool
    private let listeners = Mutex<[Listener]>([])
    let server: TCPServer

    /// - Parameters:
    ///   - others: Other users of descriptors.
    ///   - workDirectory: Relative files of `tls` are there.
    ///   - isDraining: Whether the service is stopping.
    init(
        _ settings: Settings,
        pool: WorkerPool,
        group: MultiThreadedEventLoopGroup,
        descriptorLimit: Int,
        others: DescriptorLimit.Others,
        tls: TLSFeature,
        workDirectory: String,
        logger: Logger,
        isDraining: @escaping @Sendable () -> Bool
    ) {
        self.settings = settings
        self.descriptorLimit = descriptorLimit
        self.others = others
        self.tls = tls
        self.workDirectory = workDirectory
        self.logger = logger
        self.isDraining = isDraining
        self.server = TCPServer(pool: pool, group: group, logger: logger, isMeasured: settings.metrics != nil)
    }

    func start(_ service: ServiceView) async throws {
        self.limitConnections(listeners: self.settings.tcp.servers.count)
    }

    /// The pool keeps more workers than before, or fewer.
    func workersChanged() {
        self.limitConnections(listeners: self.listeners.withLock { $0.count })
    }

    /// Keeps enough descriptors for the workers.
    private func limitConnections(listeners: Int) {
        let share = DescriptorLimit.share(
            of: self.descriptorLimit,
            workers: self.server.pool.maximumWorkers,
            listeners: listeners,
            self.others
        )
        self.server.limitConnections(to: share.connections, batch: share.batch)
    }

    /// Listens for the first time.
    func listen() async throws {
        let certificates = try await self.certificates(self.settings)
        let servers = self.configurations(self.settings, certificates)
        let listeners = try await self.server.listen(on: servers)
        self.listeners.withLock { $0 = listeners }
        self.tls.replace(TCPSettings.tlsPrefix, by: certificates)
    }

    func announce() {
        for listener in self.listeners.withLock({ $0 }) {
            self.logger.info("listening", metadata: ["server": "\(listener.server)", "address": "\(listener.address)"])
        }
    }

    /// Binds the new addresses. It cannot be undone, so this feature comes last in the composition.
    func prepareReload(_ settings: Settings) async throws -> PreparedReload {
        let current = self.listeners.withLock { $0 }
        let certificates = try await self.certificates(settings)
        let servers = self.configurations(settings, certificates)
        let listeners = try await self.server.listen(on: servers, keeping: current)
        return PreparedReload {
            self.listeners.withLock { $0 = listeners }
            self.tls.replace(TCPSettings.tlsPrefix, by: certificates)
            self.limitConnections(listeners: settings.tcp.servers.count)
        }
    }

    private func certificates(_ settings: Settings) async throws -> [String: TLSServer] {
        let plans = settings.tcp.tlsPlans(in: self.workDirectory)
        return try await BlockingCall.run { try TLSFeature.servers(plans) }
    }

    private func configurations(
        _ settings: Settings, _ certificates: [String: TLSServer]
    ) -> [ListenerConfiguration] {
        settings.tcp.servers.map { ListenerConfiguration($0, certificates[$0.tlsKey]) }
    }

    func addMetrics(to text: inout PrometheusText) {
        let counts = self.server.counts()
        text.add(counts)
        let left = self.isDraining() ? counts.reduce(0) { $0 &+ $1.open } : 0
        text.family("rr_drain_connections_left", .gauge, "Connections that a stopping service still has; else 0.", left)
    }

    var health: FeatureHealth {
        let missing = self.server.serversNotListening
        guard !missing.isEmpty else {
            return FeatureHealth()
        }
        return FeatureHealth(readyFault: "not listening: \(missing.joined(separator: ", "))")
    }
}
