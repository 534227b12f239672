import Logging
import NIOCore
import NIOPosix
import Sockets
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A bound and listening socket; listens anew when the system ends it.
public final class Listener: Sendable {
    private struct State {
        var configuration: ServerConfiguration
        var channel: any Channel
        var isClosed = false
    }

    /// The address as it was bound: with the port that the system chose when port 0 was asked for.
    public let address: ServerConfiguration.Address
    let shared: SharedServer
    private let state: Mutex<State>

    init(
        _ configuration: ServerConfiguration,
        address: ServerConfiguration.Address,
        channel: any Channel,
        shared: SharedServer
    ) {
        self.address = address
        self.shared = shared
        self.state = Mutex(State(configuration: configuration, channel: channel))
    }

    /// As it was asked for.
    var configuration: ServerConfiguration {
        self.state.withLock { $0.configuration }
    }

    public var server: String {
        self.configuration.name
    }

    var channel: any Channel {
        self.state.withLock { $0.channel }
    }

    /// Takes over a channel that was bound anew. `false` when the listener was closed meanwhile.
    func replaceChannel(_ channel: any Channel) -> Bool {
        self.state.withLock { state in
            if !state.isClosed {
                state.channel = channel
            }
            return !state.isClosed
        }
    }

    var isClosed: Bool {
        self.state.withLock { $0.isClosed }
    }

    /// Whether the socket is there, as opposed to being about to be bound anew.
    var isListening: Bool {
        self.state.withLock { !$0.isClosed && $0.channel.isActive }
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
    func reconfigure(_ configuration: ServerConfiguration) {
        self.shared.update(configuration)
        self.state.withLock { $0.configuration = configuration }
    }

    /// Stops accepting; connections that were accepted go on. Removes the file of a unix socket.
    public func close() async {
        let channel = self.state.withLock { state in
            state.isClosed = true
            return state.channel
        }
        try? await channel.close().get()
        if case .unix(let path) = self.address {
            SocketFile.remove(path)
        }
    }
}

extension TCPServer {
    /// Connections that may wait to be accepted; the system lowers it to `net.core.somaxconn`.
    private static let backlog: Int32 = 4096
    /// Seconds of silence after which, and between which, the system asks whether a client is still there; as in Go.
    private static let keepAlive: SocketOptionValue = 15

    func listen(on server: ServerConfiguration) async throws -> Listener {
        let shared = SharedServer(server, pool: self.pool, counters: self.counters, logger: self.logger)
        do {
            let channel = try await self.bind(server.address, shared)
            var address = server.address
            if case .tcp(let host, let port) = address {
                address = .tcp(host: host, port: channel.localAddress?.port ?? port)
            }
            let listener = Listener(server, address: address, channel: channel, shared: shared)
            self.watch(listener, channel)
            return listener
        } catch {
            throw ListenError(server: server.name, address: server.address, reason: Self.reason(error))
        }
    }

    /// Listens anew when a listener's channel ends without having been closed: NIO closes it after some errors of
    /// accept(2) that Linux passes on from a network that is down or filtered (see its manual page).
    private func watch(_ listener: Listener, _ channel: any Channel) {
        channel.closeFuture.whenComplete { _ in
            if !listener.isClosed {
                self.listenAgain(listener, after: .milliseconds(100), on: channel.eventLoop)
            }
        }
    }

    private func listenAgain(_ listener: Listener, after delay: TimeAmount, on eventLoop: any EventLoop) {
        let logger = self.logger(for: listener.shared.current.name)
        logger.error("the listener has ended, listening again", metadata: ["address": "\(listener.address)"])
        eventLoop.scheduleTask(in: delay) {
            Task {
                do {
                    let channel = try await self.bind(listener.address, listener.shared)
                    if listener.replaceChannel(channel) {
                        self.watch(listener, channel)
                    } else {
                        try? await channel.close().get()
                    }
                } catch {
                    logger.error("cannot listen again", metadata: ["error": "\(Self.reason(error))"])
                    if !listener.isClosed {
                        self.listenAgain(listener, after: min(delay + delay, .seconds(5)), on: eventLoop)
                    }
                }
            }
        }
    }

    private func logger(for server: String) -> Logger {
        var logger = self.logger
        logger[metadataKey: "server"] = "\(server)"
        return logger
    }

    private func bind(_ address: ServerConfiguration.Address, _ shared: SharedServer) async throws -> any Channel {
        let channel = try await self.bindOnly(address, shared)
        let homes = self.homes
        do {
            try await channel.eventLoop.submit {
                let setup = ConnectionSetupHandler(shared: shared, homes: homes)
                try channel.pipeline.syncOperations.addHandler(setup)
                try channel.pipeline.syncOperations.handler(type: AcceptBackoffHandler.self).setup = setup
                try channel.syncOptions?.setOption(.autoRead, value: true)
            }.get()
        } catch {
            channel.close(promise: nil)
            throw error
        }
        return channel
    }

    /// Connections wait in the backlog until the channel reads.
    private func bindOnly(_ address: ServerConfiguration.Address, _ shared: SharedServer) async throws -> any Channel {
        let bootstrap = self.bootstrap(isTCP: address.isTCP, shared)
        switch address {
        case .unix(let path):
            try SocketFile.removeStale(path)
            return try await bootstrap.bind(unixDomainSocketPath: path).get()
        case .tcp(let host, let port):
            return try await self.bind(bootstrap, host: host, port: port)
        }
    }

    /// Without a host: every interface, by IPv6 and IPv4 at once where there is IPv6.
    private func bind(_ bootstrap: ServerBootstrap, host: String, port: Int) async throws -> any Channel {
        guard host.isEmpty else {
            let address = try await BlockingCall.run { try SocketAddress.makeAddressResolvingHost(host, port: port) }
            return try await bootstrap.bind(to: address).get()
        }
        do {
            return try await bootstrap.bind(host: "::", port: port).get()
        } catch let error as IOError where [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.errnoCode) {
            return try await bootstrap.bind(host: "0.0.0.0", port: port).get()
        }
    }

    private func bootstrap(isTCP: Bool, _ shared: SharedServer) -> ServerBootstrap {
        let logger = self.logger(for: shared.current.name)
        let limit = self.limit
        // Sockets inherit the options of their listener on Linux: set once instead of for each connection.
        let bootstrap = ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(self.limit.batch))
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler(limit: limit, logger: logger))
                }
            }
        guard isTCP else {
            return bootstrap
        }
        return
            bootstrap
            .serverChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .serverChannelOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
            .serverChannelOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: Self.keepAlive)
            .serverChannelOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: Self.keepAlive)
    }

    private static func reason(_ error: any Error) -> String {
        (error as? IOError)?.listenFailure ?? "\(error)"
    }
}
