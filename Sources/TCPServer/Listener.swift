import Logging
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A bound and listening socket.
public struct Listener: Sendable {
    /// As it was asked for.
    public let configuration: ServerConfiguration
    /// The address as it was bound: with the port that the system chose when port 0 was asked for.
    public let address: ServerConfiguration.Address
    let channel: any Channel
    let shared: SharedServer

    public var server: String {
        self.configuration.name
    }

    /// Whether a server can be served without listening anew: under another name, too, unless any free port is meant.
    func serves(_ server: ServerConfiguration) -> Bool {
        guard self.configuration.address == server.address else {
            return false
        }
        if case .tcp(_, port: 0) = server.address {
            return self.server == server.name
        }
        return true
    }

    /// Gives new connections another framing and read buffer; connections that are open keep theirs.
    public func reconfigured(_ configuration: ServerConfiguration) -> Listener {
        self.shared.update(configuration)
        return Listener(configuration: configuration, address: self.address, channel: self.channel, shared: self.shared)
    }

    /// Stops accepting; connections that were accepted go on. Removes the file of a unix socket.
    public func close() async {
        try? await self.channel.close().get()
        if case .unix(let path) = self.address {
            unlink(path)
        }
    }
}

extension TCPServer {
    /// Connections that may wait to be accepted; the system lowers it to `net.core.somaxconn`.
    private static let backlog: Int32 = 4096
    /// Seconds of silence after which, and between which, the system asks whether a client is still there; as in Go.
    private static let keepAlive: SocketOptionValue = 15

    func listen(on server: ServerConfiguration) async throws -> Listener {
        var logger = self.logger
        logger[metadataKey: "server"] = "\(server.name)"
        let shared = SharedServer(server, pool: self.pool, logger: self.logger)
        let bootstrap = self.bootstrap(for: server, shared, logger: logger)
        do {
            switch server.address {
            case .unix(let path):
                try Self.removeStaleSocket(path)
                let channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
                return Listener(configuration: server, address: server.address, channel: channel, shared: shared)
            case .tcp(let host, let port):
                let channel = try await self.bind(bootstrap, host: host, port: port)
                let bound = channel.localAddress?.port ?? port
                let address = ServerConfiguration.Address.tcp(host: host, port: bound)
                return Listener(configuration: server, address: address, channel: channel, shared: shared)
            }
        } catch let error as ListenError {
            throw error
        } catch {
            throw ListenError(server: server.name, address: server.address, reason: Self.reason(error))
        }
    }

    /// Without a host: every interface, by IPv6 and IPv4 at once where there is IPv6.
    private func bind(_ bootstrap: ServerBootstrap, host: String, port: Int) async throws -> any Channel {
        guard host.isEmpty else {
            return try await bootstrap.bind(host: host, port: port).get()
        }
        do {
            return try await bootstrap.bind(host: "::", port: port).get()
        } catch let error as IOError where [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.errnoCode) {
            return try await bootstrap.bind(host: "0.0.0.0", port: port).get()
        }
    }

    private func bootstrap(
        for server: ServerConfiguration,
        _ shared: SharedServer,
        logger: Logger
    ) -> ServerBootstrap {
        let homes = self.homes
        // Sockets inherit the options of their listener on Linux: set once instead of for each connection.
        let bootstrap = ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler(logger: logger))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let home = homes.first(where: { $0.eventLoop === channel.eventLoop }) else {
                        throw ChannelError.operationUnsupported
                    }
                    let server = shared.current
                    let recvAllocator = ConnectionRecvAllocator(maximum: server.readBufferSize, home: home)
                    // One read at a time: NIO keeps as many buffers as it may read in a row.
                    try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
                    try channel.syncOptions?.setOption(.recvAllocator, value: recvAllocator)
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(server: server, home: home))
                }
            }
        guard case .tcp = server.address else {
            return bootstrap
        }
        return
            bootstrap
            .serverChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .serverChannelOption(ChannelOptions.socketOption(.so_keepalive), value: 1)
            .serverChannelOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: Self.keepAlive)
            .serverChannelOption(ChannelOptions.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: Self.keepAlive)
    }

    /// Removes the file of a socket that nobody listens on any more.
    ///
    /// - Throws: When somebody does, or when the path is something else.
    private static func removeStaleSocket(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw IOError(errnoCode: EEXIST, reason: "the path is not a socket")
        }
        let address = try SocketAddress(unixDomainSocketPath: path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else {
            throw IOError(errnoCode: errno, reason: "socket")
        }
        defer { Glibc.close(descriptor) }
        let isAlive = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) } == 0
        guard !isAlive else {
            throw IOError(errnoCode: EADDRINUSE, reason: "bind")
        }
        unlink(path)
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else {
            return "\(error)"
        }
        let text = String(cString: strerror(error.errnoCode))
        return error.errnoCode == EADDRINUSE ? "\(text); another process listens there" : text
    }
}
