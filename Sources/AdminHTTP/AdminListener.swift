import Addresses
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Sockets

/// One address of the admin server.
struct AdminListener: Sendable {
    private static let options = BoundSocket.Options(backlog: 4096)
    /// Connections that are accepted per batch. Earlier ones are served in between: a batch is less than half of the
    /// limit, so that a connection that sends its request at once is answered before it is the oldest.
    private static let batch: UInt = 16

    let endpoint: AdminEndpoint
    private let connections: AdminConnections
    private let listener: BoundListener

    /// Listens.
    ///
    /// - Parameter idleTimeout: How long a connection may be idle.
    /// - Throws: ``AdminError`` if it cannot listen on the address.
    init(
        _ endpoint: AdminEndpoint,
        idleTimeout: TimeAmount,
        group: MultiThreadedEventLoopGroup,
        logger: Logger
    ) async throws(AdminError) {
        self.endpoint = endpoint
        let connections = AdminConnections()
        self.connections = connections
        let bootstrap = Self.bootstrap(endpoint, connections, idleTimeout, group, logger)
        do {
            let socket = try await BoundSocket.bind(try await endpoint.address.resolved(), Self.options, besides: [])
            self.listener = try await BoundListener.listen(
                on: socket,
                BoundListener.Environment(makeChannel: { try await bootstrap().channel(of: $0) }, logger: { logger })
            )
        } catch {
            let reason = (error as? IOError)?.listenFailure ?? "\(error)"
            throw AdminError(address: endpoint.address, key: endpoint.key, reason: reason)
        }
    }

    /// The address, with the port that the system chose.
    var address: ListenAddress {
        self.endpoint.address.bound(toPort: self.listener.address.port)
    }

    private static func bootstrap(
        _ endpoint: AdminEndpoint,
        _ connections: AdminConnections,
        _ idleTimeout: TimeAmount,
        _ group: MultiThreadedEventLoopGroup,
        _ logger: Logger
    ) -> @Sendable () -> ServerBootstrap {
        {
            ServerBootstrap(group: group)
                .serverChannelOption(.maxMessagesPerRead, value: Self.batch)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(connections.acceptGate(logger: logger))
                    }
                }
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let encryption = endpoint.encryption {
                            try channel.pipeline.syncOperations.addHandler(encryption())
                        }
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
                            withEncoderConfiguration: .init(),
                            withDecoderLimitConfiguration: Self.limits
                        )
                        try channel.pipeline.syncOperations.addHandler(
                            AdminHandler(endpoint, connections: connections, idleTimeout: idleTimeout)
                        )
                    }
                }
        }
    }

    private static var limits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 * 1024
        limits.maxHeaderListSize = 16 * 1024
        limits.maxHeaderFieldCount = 100
        return limits
    }

    /// Closes the listener and every connection.
    func close() async {
        await self.listener.close()
        try? await self.listener.channel.eventLoop.submit { self.connections.closeAll() }.get()
    }
}
