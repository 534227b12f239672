import Addresses
import Logging
import NIOCore
import NIOPosix
import Sockets

/// Serves probes and metrics on their own addresses and event loop, so that packets never delay their answers.
package final class AdminServer: Sendable {
    /// Connections that each address may have at once.
    package static let connectionLimit = AdminConnections.limit

    private let group: MultiThreadedEventLoopGroup
    private let listeners: [AdminListener]

    private init(group: MultiThreadedEventLoopGroup, listeners: [AdminListener]) {
        self.group = group
        self.listeners = listeners
    }

    /// The addresses by key, with the ports that the system chose.
    package var addresses: [(key: String, address: ListenAddress)] {
        self.listeners.map { ($0.endpoint.key, $0.address) }
    }

    /// Listens on every endpoint.
    ///
    /// - Parameter idleTimeout: How long a connection may be idle before it is closed.
    /// - Throws: ``AdminError`` for the first endpoint that fails; all are closed then.
    package static func start(
        _ endpoints: [AdminEndpoint],
        idleTimeout: TimeAmount,
        logger: Logger
    ) async throws(AdminError) -> AdminServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var listeners: [AdminListener] = []
        for endpoint in endpoints {
            do throws(AdminError) {
                listeners.append(
                    try await AdminListener(endpoint, idleTimeout: idleTimeout, group: group, logger: logger)
                )
            } catch {
                await AdminServer(group: group, listeners: listeners).stop()
                throw error
            }
        }
        return AdminServer(group: group, listeners: listeners)
    }

    /// Closes the listeners and every connection; takes no longer than closing does.
    package func stop() async {
        for listener in self.listeners {
            await listener.close()
        }
        try? await self.group.shutdownGracefully()
    }
}
