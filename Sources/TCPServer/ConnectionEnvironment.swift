import Addresses
import Edge
import Logging
import Synchronization
import Text
import WorkerPool

/// The values that connections of one listener share. A class, so that each connection counts one reference instead of
/// one per value: all event loops would contend for those counts.
final class ConnectionEnvironment: Sendable {
    /// The server's name as workers see it.
    let server: String
    /// ``server`` as a JSON string, with its quotes.
    let quotedServer: [UInt8]
    let rules: SessionRules
    let edge: Edge
    let dispatch: Dispatch
    /// Whether clients have an address and a port.
    let isTCP: Bool
    /// `nil` when nothing is counted.
    let counters: ServerCounters?
    /// `nil` if the server has never had limits.
    let desk: AdmissionDesk?
    /// Whether a stage of the edge tells who the client is.
    let namesClients: Bool
    let timeouts: SessionTimeouts
    /// Packets of one connection; `nil`: any number.
    let packetRate: Rate?
    /// `nil`: none.
    let accessLog: AccessLogRules?
    /// Whether connections have ``ConnectionExtras``.
    let needsExtras: Bool
    let pool: WorkerPool
    let logger: Logger

    init(
        _ configuration: ListenerConfiguration,
        pool: WorkerPool,
        counters: ServerCounters?,
        desk: AdmissionDesk? = nil,
        logger: Logger
    ) {
        self.server = configuration.server
        self.quotedServer = Array(configuration.server.jsonQuoted.utf8)
        self.rules = SessionRules(framing: configuration.framing, readBufferSize: configuration.readBufferSize)
        self.edge = configuration.edge
        self.dispatch = configuration.dispatch
        self.isTCP = configuration.address.isTCP
        self.counters = counters
        self.desk = desk
        self.namesClients = configuration.namesClients
        self.timeouts = configuration.timeouts
        self.packetRate = configuration.packetRate
        self.accessLog = configuration.accessLog
        self.needsExtras =
            configuration.timeouts.needsLooks || configuration.packetRate != nil || configuration.accessLog != nil
            || configuration.dispatch != .free
        self.pool = pool
        self.logger = logger
    }
}

/// The environment of a listener's new connections; it may change while the listener is open.
final class CurrentEnvironment: Sendable {
    private let pool: WorkerPool
    private let logger: Logger
    private let counters: CountersByServer?
    private let desks: AdmissionDesks
    private let state: Mutex<ConnectionEnvironment>

    init(
        _ configuration: ListenerConfiguration,
        pool: WorkerPool,
        counters: CountersByServer?,
        desks: AdmissionDesks = AdmissionDesks(),
        logger: Logger
    ) {
        self.pool = pool
        self.logger = logger
        self.counters = counters
        self.desks = desks
        self.state = Mutex(
            Self.make(configuration, pool: pool, counters: counters, desks: desks, logger: logger))
    }

    var value: ConnectionEnvironment {
        self.state.withLock { $0 }
    }

    func update(_ configuration: ListenerConfiguration) {
        let value = Self.make(
            configuration, pool: self.pool, counters: self.counters, desks: self.desks, logger: self.logger)
        self.state.withLock { $0 = value }
    }

    private static func make(
        _ configuration: ListenerConfiguration,
        pool: WorkerPool,
        counters: CountersByServer?,
        desks: AdmissionDesks,
        logger: Logger
    ) -> ConnectionEnvironment {
        let (server, counters) = (configuration.server, counters?.counters(for: configuration.server))
        return ConnectionEnvironment(
            configuration,
            pool: pool,
            counters: counters,
            desk: desks.desk(
                for: server, configuration.admission, accessLevel: configuration.accessLog?.level, counters: counters,
                logger: logger),
            logger: logger
        )
    }
}
