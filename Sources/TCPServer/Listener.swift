import Addresses
import Glibc
import Logging
import NIOCore
import NIOPosix
import Sockets
import Synchronization

/// One listening socket of a server, with the environment of its connections.
///
/// After a reload that widened its address, a server has two: see ``TCPServer/listen(on:keeping:)``.
package final class Listener: Sendable {
    private struct State {
        var configuration: ListenerConfiguration
        /// Whether another listener of the server takes all connections once this one ends.
        var isSpare = false
    }

    /// The configured address; in place of port 0, it has the port that the system chose.
    package let address: ListenAddress
    let environment: CurrentEnvironment
    let bound: BoundListener
    private let state: Mutex<State>

    init(_ configuration: ListenerConfiguration, _ bound: BoundListener, environment: CurrentEnvironment) {
        self.address = configuration.address.bound(toPort: bound.address.port)
        self.environment = environment
        self.bound = bound
        self.state = Mutex(State(configuration: configuration))
    }

    /// The configuration in force.
    var configuration: ListenerConfiguration {
        self.state.withLock { $0.configuration }
    }

    package var server: String {
        self.configuration.server
    }

    /// Whether the socket listens, or another listener covers for it.
    var isListening: Bool {
        self.bound.isListening || self.state.withLock { $0.isSpare }
    }

    /// Whether this listener can serve a server without being bound again. The server's name may differ, unless its
    /// address asks for any free port.
    func serves(_ server: ListenerConfiguration) -> Bool {
        let configuration = self.configuration
        guard configuration.address == server.address else {
            return false
        }
        if case .tcp(_, port: 0) = server.address {
            return configuration.server == server.server
        }
        return true
    }

    /// Changes the framing and the read buffer of new connections; open connections keep theirs.
    ///
    /// - Parameter isSpare: Whether another listener covers for this one; `nil` leaves that unchanged.
    func reconfigure(_ configuration: ListenerConfiguration, isSpare: Bool? = nil) {
        self.environment.update(configuration)
        self.state.withLock { state in
            state.configuration = configuration
            state.isSpare = isSpare ?? state.isSpare
        }
    }

    /// Stops accepting; accepted connections go on. Removes the file of a unix socket.
    package func close() async {
        await self.bound.close()
    }
}

extension TCPServer {
    /// Connections that may wait to be accepted; the system lowers it to `net.core.somaxconn`.
    private static let backlog: Int32 = 4096

    /// Binds a server's socket. It receives no connections yet, except in a hand-over.
    ///
    /// - Parameter listeners: Listeners of this process that are about to close; the new socket may conflict with them.
    func bind(
        _ server: ListenerConfiguration,
        _ addresses: [SocketAddress],
        besides listeners: [Listener]
    ) async throws(ListenError) -> BoundSocket {
        let options = BoundSocket.Options(
            backlog: Self.backlog,
            mode: server.socketMode,
            isWithoutDelay: true,
            keepAlive: server.keepAlive
        )
        do {
            return try await BoundSocket.bind(addresses, options, besides: listeners.map(\.bound))
        } catch {
            throw ListenError(server, error)
        }
    }

    func listen(on socket: BoundSocket, for server: ListenerConfiguration) async throws(ListenError) -> Listener {
        let environment = CurrentEnvironment(
            server, pool: self.pool, counters: self.counters, desks: self.desks, logger: self.logger)
        let bound = BoundListener.Environment(
            makeChannel: { try await self.channel(of: $0, environment) },
            neighbours: { self.listeners(named: environment.value.server).map(\.bound) },
            logger: { self.logger(for: environment.value.server) }
        )
        do {
            return Listener(server, try await BoundListener.listen(on: socket, bound), environment: environment)
        } catch {
            throw ListenError(server, error)
        }
    }

    private func logger(for server: String) -> Logger {
        var logger = self.logger
        logger[metadataKey: "server"] = "\(server)"
        return logger
    }

    /// Makes the socket's channel. Connections wait in the backlog until the channel reads.
    private func channel(of socket: BoundSocket, _ environment: CurrentEnvironment) async throws -> any Channel {
        let channel = try await self.bootstrap(environment).channel(of: socket)
        let homes = self.homes
        do {
            try await channel.eventLoop.submit {
                let setup = ConnectionSetupHandler(environment: environment, homes: homes)
                try channel.pipeline.syncOperations.addHandler(setup)
                let gate = try channel.pipeline.syncOperations.handler(type: AcceptGateHandler.self)
                gate.accepted = { setup.accepted($1) }
                try channel.syncOptions?.setOption(.autoRead, value: true)
            }.get()
        } catch {
            channel.close(promise: nil)
            throw error
        }
        return channel
    }

    private func bootstrap(_ environment: CurrentEnvironment) -> ServerBootstrap {
        let logger = self.logger(for: environment.value.server)
        let limits: [any AcceptLimit] = [self.limit, ServerAcceptLimit(environment: environment)]
        return ServerBootstrap(group: self.group)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(self.limit.batch))
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptGateHandler(limits: limits, logger: logger))
                }
            }
    }
}
