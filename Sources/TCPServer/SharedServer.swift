import Logging
import NIOCore
import Synchronization
import WorkerPool

/// What new connections of one listener get; can change while it listens.
final class SharedServer: Sendable {
    typealias Current = (server: ConnectionHandler.Server, recvAllocator: AdaptiveRecvByteBufferAllocator)

    private let pool: WorkerPool
    private let logger: Logger
    private let state: Mutex<Current>

    init(_ configuration: ServerConfiguration, pool: WorkerPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
        self.state = Mutex(Self.make(configuration, pool: pool, logger: logger))
    }

    var current: Current {
        self.state.withLock { $0 }
    }

    func update(_ configuration: ServerConfiguration) {
        let current = Self.make(configuration, pool: self.pool, logger: self.logger)
        self.state.withLock { $0 = current }
    }

    private static func make(_ configuration: ServerConfiguration, pool: WorkerPool, logger: Logger) -> Current {
        // Starts small and grows with what a client sends, up to the read buffer's size.
        let maximum = max(1, configuration.readBufferSize)
        return (
            ConnectionHandler.Server(
                name: configuration.name,
                quotedName: EventContext.quoted(configuration.name),
                framing: configuration.framing,
                readBufferSize: configuration.readBufferSize,
                pool: pool,
                logger: logger
            ),
            AdaptiveRecvByteBufferAllocator(minimum: min(512, maximum), initial: min(2048, maximum), maximum: maximum)
        )
    }
}
