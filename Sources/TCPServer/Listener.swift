import Addresses
import Glibc
import Logging
import NIOCore
import NIOPosix
import Sockets
import Synchronization

/// What listens for a server: one socket, and what its connections get.
///
/// After a reload that widened an address a server has two: see ``TCPServer/listen(on:keeping:)``.
package final class Listener: Sendable {
    private struct State {
        var configuration: ServerConfiguration
        /// Whether another listener of the server gets all connections when this one ends.
        var isSpare = false
    }

    /// The address as it was asked for, with the port that the system chose when port 0 was.
    package let address: ListenAddress
    let shared: SharedServer
    let bound: BoundListener
    private let state: Mutex<State>

    init(_ configuration: ServerConfiguration, _ bound: BoundListener, shared: SharedServer) {
        self.address = configuration.address.bound(toPort: bound.address.port)
        self.shared = shared
        self.bound = bound
        self.state = Mutex(State(configuration: configuration))
    }

    /// As it was asked for.
    var configuration: ServerConfiguration {
        self.state.withLock { $0.configuration }
    }

    package var server: String {
        self.configuration.name
    }

    /// Whether the socket is there, or is not missed.
    var isListening: Bool {
        self.bound.isListening || self.state.withLock { $0.isSpare }
    }

    /// Whether a server can be served without listening anew: under another name, too, unless any free port is meant.
    func serves(_ server: ServerConfiguration) -> Bool {
        let configuration = self.configuration
        guard configuration.address == server.address else {
            return false
        }
        if case .tcp(_, port: 0) = server.address {
            return configuration.name == server.name
        }
        return true
    }

    /// Gives new connections another framing and read buffer; connections that are open keep theirs.
    ///
    /// - Parameter isSpare: Whether it is there for connections on their way only; `nil` leaves that as it is.
    func reconfigure(_ configuration: ServerConfiguration, isSpare: Bool? = nil) {
        self.shared.update(configuration)
        self.state.withLock { state in
            state.configuration = configuration
            state.isSpare = isSpare ?? state.isSpare
        }
    }

    /// Stops accepting; connections that were accepted go on. Removes the file of a unix socket.
    package func close() async {
        await self.bound.close()
    }
}

extension TCPServer {
    /// Connections that may wait to be accepted; the system lowers it to `net.core.somaxconn`.
    private static let backlog: Int32 = 4096
    /// Seconds of silence after which, and between which, the system asks whether a client is still there; as in Go.
    private static let keepAlive: CInt = 15

    /// Binds a server's socket, which gets no connections yet unless it is handed over to.
    ///
    /// - Parameter listeners: Ours that go; the new socket may conflict with them.
    func bind(
        _ server: ServerConfiguration,
        _ addresses: [SocketAddress],
        besides listeners: [Listener]
    ) async throws(ListenError) -> BoundSocket {
        let options = BoundSocket.Options(
            backlog: Self.backlog,
            mode: server.socketMode,
            isWithoutDelay: true,
            keepAlive: Self.keepAlive
        )
        do {
            return try await BoundSocket.bind(addresses, options, besides: listeners.map(\.bound))
        } catch {
            throw ListenError(server, error)
        }
    }

    func listen(on socket: BoundSocket, for server: ServerConfiguration) async throws(ListenError) -> Listener {
        let shared = SharedServer(server, pool: self.pool, counters: self.counters, logger: self.logger)
        let environment = BoundListener.Environment(
            makeChannel: { try await self.channel(of: $0, shared) },
            neighbours: { self.listeners(named: shared.current.name).map(\.bound) },
            logger: { self.logger(for: shared.current.name) }
        )
        do {
            return Listener(server, try await BoundListener.listen(on: socket, environment), shared: shared)
        } catch {
            throw ListenError(server, error)
        }
    }

    private func logger(for server: String) -> Logger {
        var logger = self.logger
        logger[metadataKey: "server"] = "\(server)"
        return logger
    }

    /// Connections wait in the backlog until the channel reads.
    private func channel(of socket: BoundSocket, _ shared: SharedServer) async throws -> any Channel {
        let channel = try await self.bootstrap(shared).channel(of: socket)
        let homes = self.homes
        do {
            try await channel.eventLoop.submit {
                let setup = ConnectionSetupHandler(shared: shared, homes: homes)
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

    private func bootstrap(_ shared: SharedServer) -> ServerBootstrap {
        let logger = self.logger(for: shared.current.name)
        let limit = self.limit
        return ServerBootstrap(group: self.group)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(self.limit.batch))
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptGateHandler(limits: [limit], logger: logger))
                }
            }
    }
}
