import Addresses
import Glibc
import Logging
import NIOCore
import NIOPosix
import RPC
import Sockets

/// What callers of an RPC server may use.
package struct RPCLimits: Sendable, Hashable {
    /// Bytes of a call's name and argument, up to 1 GiB; also of all calls in flight of a connection.
    package var messageBytes: Int
    /// Open connections; others wait to be accepted. It may be exceeded by a batch of ``RPCServer/batch``.
    package var connections: Int
    /// Calls in flight of one connection; further ones wait to be read.
    package var calls: Int

    package init(messageBytes: Int, connections: Int, calls: Int) {
        self.messageBytes = messageBytes
        self.connections = connections
        self.calls = calls
    }
}

/// The counts of an RPC server at one moment.
package struct RPCSnapshot: Sendable {
    package struct Method: Sendable {
        package var name: String
        package var successes: UInt64
        package var failures: UInt64
        /// Of all calls together.
        package var seconds: Double

        init(_ name: String, _ counts: RPCMethodCounts) {
            self.name = name
            self.successes = counts.successes
            self.failures = counts.failures
            self.seconds = counts.seconds
        }
    }

    /// By name; the last one, `unknown`, is for all names that no service has.
    package var methods: [Method]
    package var connections: Int
    package var accepted: UInt64
    /// Calls whose replies come later.
    package var callsInFlight: Int
    package var receivedBytes: UInt64
    package var sentBytes: UInt64
    /// Connections that were closed for a malformed frame.
    package var malformed: UInt64
}

/// A failure to listen for RPC.
package struct RPCServerError: Error, Sendable, CustomStringConvertible {
    package var address: ListenAddress
    /// The cause, in one line.
    package var reason: String

    package var description: String {
        "cannot listen on \(self.address.url) (rpc.listen): \(self.reason)"
    }
}

/// Serves the calls of workers, and of the command line, on an event loop of its own: no packet waits for a call.
package final class RPCServer: Sendable {
    /// Connections that are accepted in a row.
    package static let batch = 16

    /// Where it listens.
    package struct Place: Sendable, Hashable {
        package let address: ListenAddress
        /// The permissions of a unix socket.
        package let mode: UInt32
        /// The group that a unix socket is given to; `nil` leaves it to this process's own.
        package let group: UInt32?

        package init(_ address: ListenAddress, mode: UInt32, group: UInt32? = nil) {
            self.address = address
            self.mode = mode
            self.group = group
        }
    }

    /// TCP keep-alive: seconds of silence before the first probe, and between probes.
    private static let keepAlive = KeepAlive()

    private let environment: RPCEnvironment
    private let listener: BoundListener
    private let asked: ListenAddress

    /// Listens.
    ///
    /// - Parameters:
    ///   - group: Of one loop.
    ///   - isMeasured: Whether the time of each call is taken.
    ///   - encryption: Makes the handler that encrypts a connection from another machine; `nil`: in clear.
    /// - Throws: ``RPCServerError``.
    package init(
        _ place: Place,
        services: [RPCService],
        limits: RPCLimits,
        isMeasured: Bool,
        encryption: (@Sendable () -> any ChannelHandler)? = nil,
        group: MultiThreadedEventLoopGroup,
        logger: Logger
    ) async throws(RPCServerError) {
        let environment = RPCEnvironment(services, limits, isMeasured: isMeasured, logger: logger)
        let bootstrap = Self.bootstrap(environment, encryption, group)
        let options = BoundSocket.Options(
            backlog: 4096,
            mode: place.mode,
            isWithoutDelay: true,
            keepAlive: Self.keepAlive
        )
        self.environment = environment
        self.asked = place.address
        do {
            let socket = try await BoundSocket.bind(try await place.address.resolved(), options, besides: [])
            Self.give(socket, to: place.group, logger)
            self.listener = try await BoundListener.listen(
                on: socket,
                BoundListener.Environment(makeChannel: { try await bootstrap().channel(of: $0) }, logger: { logger })
            )
        } catch {
            throw RPCServerError(address: place.address, reason: (error as? IOError)?.listenFailure ?? "\(error)")
        }
    }

    /// Allows a group to connect to a unix socket, as the mode says.
    private static func give(_ socket: BoundSocket, to group: UInt32?, _ logger: Logger) {
        guard let group, let path = socket.file?.path else {
            return
        }
        if chown(path, uid_t.max, group) != 0 {
            let error = String(cString: strerror(errno))
            logger.error("cannot give the RPC socket to the workers' group", metadata: ["error": "\(error)"])
        }
    }

    private static func bootstrap(
        _ environment: RPCEnvironment,
        _ encryption: (@Sendable () -> any ChannelHandler)?,
        _ group: MultiThreadedEventLoopGroup
    ) -> @Sendable () -> ServerBootstrap {
        {
            ServerBootstrap(group: group)
                .serverChannelOption(.maxMessagesPerRead, value: UInt(Self.batch))
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(environment.acceptGate())
                    }
                }
                // Calls of one connection are run before more are read.
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let encryption {
                            try channel.pipeline.syncOperations.addHandler(RemoteEncryption(encryption))
                        }
                        try channel.pipeline.syncOperations.addHandler(RPCConnection(environment))
                    }
                }
        }
    }

    /// The address, with the port that the system chose.
    package var address: ListenAddress {
        self.asked.bound(toPort: self.listener.address.port)
    }

    package var isListening: Bool {
        self.listener.isListening
    }

    package var snapshot: RPCSnapshot {
        self.environment.snapshot
    }

    /// Closes the listener. The connections go on until their group is shut down.
    package func close() async {
        await self.listener.close()
    }
}
