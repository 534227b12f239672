import Addresses
import Configuration
import Features
import Glibc
import Logging
import NIOCore
import Observability
import Platform
import Sockets
import WorkerPool
import WorkerProcess

/// The workers: `server.on_init`, the pool, and the socket of `server.relay` that workers connect to.
///
/// The lifecycle decides when they start and end: they start before the listeners, and end on a signal, after the
/// connections have drained, or with the grace period.
struct WorkersFeature: Feature {
    private let settings: WorkerSettings
    private let process: Gateway.Process
    private let logger: Logger
    private let relay: RelayListener?
    /// Where workers find RPC: a reload does not change it.
    private let rpc: ListenAddress?
    private let launcher: WorkerProcessLauncher
    /// `status.unavailable_after`.
    private let unavailableAfter: Duration
    let pool: WorkerPool
    /// The group that workers run as, if it is another than this process's own.
    let groupID: UInt32?

    /// - Throws: If `server.user` or `server.group` cannot be assumed, or the service cannot listen on `server.relay`.
    init(
        _ settings: Settings,
        _ process: Gateway.Process,
        loops: [any EventLoop],
        descriptorLimit: Int,
        logger: Logger
    ) throws {
        self.settings = settings.server
        self.process = process
        self.logger = logger
        self.unavailableAfter = settings.status?.unavailableAfter ?? .zero
        let configuration = PoolConfiguration(settings.tcp.pool)
        let address = settings.server.relay.address
        self.rpc = settings.rpc?.address?.reachableFromWorkers(in: process.workDirectory)
        let command = try WorkerCommand(settings, relay: address, rpc: self.rpc, process)
        self.groupID = command.credentials?.groupID
        let serverPID = Int(getpid())
        self.relay = try address.map {
            try RelayListener(
                address: $0,
                serverPID: serverPID,
                credentials: command.credentials,
                callerLimit: DescriptorLimit.relayCallers(of: descriptorLimit),
                logger: logger
            )
        }
        self.launcher = WorkerProcessLauncher(
            command: command,
            loops: loops,
            handshakeTimeout: configuration.allocateTimeout,
            serverPID: serverPID,
            listener: self.relay,
            outOfMemoryKills: OutOfMemoryKills(),
            isPipelined: configuration.isPipelined,
            logger: logger
        )
        self.pool = WorkerPool(
            configuration: configuration,
            launcher: self.launcher,
            loops: loops,
            logger: logger,
            isMeasured: settings.metrics != nil
        )
        self.pool.limitPendingAnswers(settings.tcp)
    }

    var hasRelay: Bool {
        self.relay != nil
    }

    /// Runs `server.on_init`.
    ///
    /// - Throws: When it fails and `exit_on_error` is set.
    func runInitCommand() async throws {
        guard let settings = self.settings.onInit else {
            return
        }
        let command = InitCommand(
            command: try WorkerCommand(onInit: settings, self.process),
            timeout: TimeAmount(clamping: settings.execTimeout),
            logger: self.logger
        )
        do {
            try await command.run()
        } catch let failure as InitCommand.Failure where !settings.exitOnError {
            self.logger.error("\(failure)")
        }
    }

    func prepareReload(_ settings: Settings) async throws -> PreparedReload {
        // The lookup of users reads files.
        let command = try await BlockingCall.run {
            try WorkerCommand(settings, relay: self.relay?.address, rpc: self.rpc, self.process)
        }
        return PreparedReload {
            let configuration = PoolConfiguration(settings.tcp.pool)
            self.launcher.update(
                command,
                handshakeTimeout: configuration.allocateTimeout,
                isPipelined: configuration.isPipelined
            )
            self.pool.reconfigure(configuration)
            self.pool.limitPendingAnswers(settings.tcp)
        }
    }

    /// The last worker is gone by then: no other connection to the relay is expected.
    func stop() async {
        self.relay?.close()
    }

    func addMetrics(to text: inout PrometheusText) {
        text.add(self.pool.snapshot())
        text.family(
            "rr_tcp_pending_bytes",
            .gauge,
            "Bytes of answers that clients have not taken whole; tcp.max_pending bounds them.",
            self.pool.pendingAnswers.bytes
        )
    }

    var health: FeatureHealth {
        let time = self.pool.unavailableFor.map { Duration.nanoseconds($0.nanoseconds) }
        return FeatureHealth(withoutWorkersFor: time, unavailableAfter: self.unavailableAfter)
    }
}

extension FeatureHealth {
    /// - Parameters:
    ///   - time: How long no worker has been available; `nil` if one is.
    ///   - limit: `status.unavailable_after`: a restart may help only against a lasting loss of all workers. Zero: no
    ///     limit.
    init(withoutWorkersFor time: Duration?, unavailableAfter limit: Duration) {
        self.init()
        guard let time else {
            return
        }
        self.readyFault = "no worker is ready"
        if limit > .zero, time >= limit {
            self.healthFault = "no worker could be started for \(time.components.seconds) s"
        }
    }
}
