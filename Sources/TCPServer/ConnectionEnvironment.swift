import Addresses
import Edge
import Logging
import Synchronization
import Text
import WorkerPool

/// What connections of one listener share: a class, so that each counts one reference and not one for each of these,
/// which all event loops would fight for.
final class ConnectionEnvironment: Sendable {
    /// The name of the server that workers are told.
    let server: String
    /// ``server`` in quotes as JSON has it.
    let quotedServer: [UInt8]
    let rules: SessionRules
    let edge: Edge
    /// Whether clients have an address and a port.
    let isTCP: Bool
    /// `nil` when nothing is counted.
    let counters: ServerCounters?
    let pool: WorkerPool
    let logger: Logger

    init(_ configuration: ListenerConfiguration, pool: WorkerPool, counters: ServerCounters?, logger: Logger) {
        self.server = configuration.server
        self.quotedServer = Array(configuration.server.jsonQuoted.utf8)
        self.rules = SessionRules(framing: configuration.framing, readBufferSize: configuration.readBufferSize)
        self.edge = configuration.edge
        self.isTCP = configuration.address.isTCP
        self.counters = counters
        self.pool = pool
        self.logger = logger
    }
}

/// What new connections of one listener get; changes while it listens.
final class CurrentEnvironment: Sendable {
    private let pool: WorkerPool
    private let logger: Logger
    private let counters: CountersByServer?
    private let state: Mutex<ConnectionEnvironment>

    init(_ configuration: ListenerConfiguration, pool: WorkerPool, counters: CountersByServer?, logger: Logger) {
        self.pool = pool
        self.logger = logger
        self.counters = counters
        self.state = Mutex(Self.make(configuration, pool: pool, counters: counters, logger: logger))
    }

    var value: ConnectionEnvironment {
        self.state.withLock { $0 }
    }

    func update(_ configuration: ListenerConfiguration) {
        let value = Self.make(configuration, pool: self.pool, counters: self.counters, logger: self.logger)
        self.state.withLock { $0 = value }
    }

    private static func make(
        _ configuration: ListenerConfiguration,
        pool: WorkerPool,
        counters: CountersByServer?,
        logger: Logger
    ) -> ConnectionEnvironment {
        ConnectionEnvironment(
            configuration,
            pool: pool,
            counters: counters?.counters(for: configuration.server),
            logger: logger
        )
    }
}
