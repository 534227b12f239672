import Logging
import Synchronization
import WorkerPool

/// What new connections of one listener get; can change while it listens.
final class SharedServer: Sendable {
    private let pool: WorkerPool
    private let logger: Logger
    private let counters: CountersByServer?
    private let state: Mutex<ConnectionHandler.Server>

    init(_ configuration: ServerConfiguration, pool: WorkerPool, counters: CountersByServer?, logger: Logger) {
        self.pool = pool
        self.logger = logger
        self.counters = counters
        self.state = Mutex(Self.make(configuration, pool: pool, counters: counters, logger: logger))
    }

    var current: ConnectionHandler.Server {
        self.state.withLock { $0 }
    }

    func update(_ configuration: ServerConfiguration) {
        let current = Self.make(configuration, pool: self.pool, counters: self.counters, logger: self.logger)
        self.state.withLock { $0 = current }
    }

    private static func make(
        _ configuration: ServerConfiguration,
        pool: WorkerPool,
        counters: CountersByServer?,
        logger: Logger
    ) -> ConnectionHandler.Server {
        ConnectionHandler.Server(
            configuration,
            pool: pool,
            counters: counters?.counters(for: configuration.name),
            logger: logger
        )
    }
}
