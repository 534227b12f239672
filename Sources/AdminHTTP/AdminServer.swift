public import Logging
public import NIOCore
import NIOPosix

/// Serves probes and metrics on addresses and an event loop of their own: whatever the packets do, these are answered.
public final class AdminServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let listeners: [AdminListener]
    private let tasks: [Task<Void, Never>]
    /// Where is listened, with the ports that the system chose, by key.
    public let addresses: [(key: String, address: AdminEndpoint.Address)]

    private init(
        group: MultiThreadedEventLoopGroup,
        bound: [(listener: AdminListener, channel: AdminListener.Channel)]
    ) {
        self.group = group
        self.listeners = bound.map(\.listener)
        self.addresses = bound.map { listener, channel in
            guard case .tcp(let host, let port) = listener.endpoint.address else {
                return (listener.endpoint.key, listener.endpoint.address)
            }
            return (listener.endpoint.key, .tcp(host: host, port: channel.channel.localAddress?.port ?? port))
        }
        self.tasks = bound.map { listener, channel in Task { await listener.serve(channel) } }
    }

    /// Listens on every endpoint.
    ///
    /// - Parameter idleTimeout: How long a connection may rest before it is closed.
    /// - Throws: ``AdminError`` for the first one that cannot be listened on; none is then.
    public static func start(
        _ endpoints: [AdminEndpoint],
        idleTimeout: TimeAmount,
        logger: Logger
    ) async throws(AdminError) -> AdminServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var bound: [(AdminListener, AdminListener.Channel)] = []
        for endpoint in endpoints {
            let listener = AdminListener(endpoint, idleTimeout: idleTimeout, group: group, logger: logger)
            do throws(AdminError) {
                bound.append((listener, try await listener.bind()))
            } catch {
                await AdminServer(group: group, bound: bound).stop()
                throw error
            }
        }
        return AdminServer(group: group, bound: bound)
    }

    /// Closes the listeners and every connection; takes no longer than closing does.
    public func stop() async {
        for task in self.tasks {
            task.cancel()
        }
        let loop = self.group.next()
        for (listener, task) in zip(self.listeners, self.tasks) {
            // A client that reads nothing holds its task until its connection is closed.
            let closing = loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(20)) { _ in
                listener.connections.closeAll()
            }
            await task.value
            closing.cancel()
        }
        try? await self.group.shutdownGracefully()
    }
}
