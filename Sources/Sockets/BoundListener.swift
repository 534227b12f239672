import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A listening socket and its channel. It listens again at the same address if the system closes it.
package final class BoundListener: Sendable {
    /// The listener's surroundings, needed when it listens again.
    package struct Environment: Sendable {
        /// Makes the channel of a socket. If it succeeds, the channel owns the socket.
        package var makeChannel: @Sendable (BoundSocket) async throws -> any Channel
        /// Listeners with a conflicting address that may coexist with this one after a hand-over.
        package var neighbours: @Sendable () -> [BoundListener]
        package var logger: @Sendable () -> Logger

        package init(
            makeChannel: @escaping @Sendable (BoundSocket) async throws -> any Channel,
            neighbours: @escaping @Sendable () -> [BoundListener] = { [] },
            logger: @escaping @Sendable () -> Logger
        ) {
            self.makeChannel = makeChannel
            self.neighbours = neighbours
            self.logger = logger
        }
    }

    private struct State {
        var channel: any Channel
        var file: SocketFile?
        var isClosed = false
        /// For when it listens again.
        var options: BoundSocket.Options
    }

    /// The bound address, with the port that the system chose.
    package let address: SocketAddress
    private let environment: Environment
    private let state: Mutex<State>

    private init(_ socket: BoundSocket, _ channel: any Channel, _ environment: Environment) {
        self.address = socket.address
        self.environment = environment
        self.state = Mutex(State(channel: channel, file: socket.file, options: socket.options))
    }

    /// Takes over a bound socket and listens.
    ///
    /// - Throws: The reason why no channel could be made; the socket is closed then.
    package static func listen(on socket: BoundSocket, _ environment: Environment) async throws -> BoundListener {
        let channel = try await Self.open(socket, environment)
        let listener = BoundListener(socket, channel, environment)
        listener.watch(channel)
        return listener
    }

    private static func open(_ socket: BoundSocket, _ environment: Environment) async throws -> any Channel {
        do {
            try socket.listen()
        } catch {
            socket.close()
            throw error
        }
        socket.report(to: environment.logger())
        return try await environment.makeChannel(socket)
    }

    package var channel: any Channel {
        self.state.withLock { $0.channel }
    }

    package var isClosed: Bool {
        self.state.withLock { $0.isClosed }
    }

    /// Whether the socket listens now, as opposed to waiting to be bound again.
    package var isListening: Bool {
        self.state.withLock { !$0.isClosed && $0.channel.isActive }
    }

    /// Whether it listens at this very address, or at another path of the same file.
    package func isListening(at address: SocketAddress) -> Bool {
        guard self.isListening else {
            return false
        }
        guard let file = self.state.withLock({ $0.file }) else {
            return self.address == address
        }
        return address.pathname.map { file.isFound(at: $0) } ?? false
    }

    /// Changes the permissions of a unix socket's file; `nil` restores the original ones.
    package func setMode(_ mode: UInt32?) throws(IOError) {
        try self.state.withLock { $0.file }?.setMode(mode)
    }

    /// Changes the keep-alive of connections that are accepted from now on.
    package func setKeepAlive(_ keepAlive: KeepAlive) async {
        guard self.address.port != nil else {
            return
        }
        self.state.withLock { $0.options.keepAlive = keepAlive }
        for (level, option, value) in keepAlive.options {
            let name = ChannelOptions.Types.SocketOption(
                level: .init(rawValue: level), name: .init(rawValue: option))
            // Fails only on a closed channel, which is no obstacle.
            try? await self.channel.setOption(name, value: Int(value)).get()
        }
    }

    /// Allows or forbids binding sockets that conflict with this one.
    package func sharePort(_ isShared: Bool) async {
        let option = ChannelOptions.socketOption(.init(rawValue: SO_REUSEPORT))
        // Fails only on a closed channel, which is no obstacle.
        try? await self.channel.setOption(option, value: isShared ? 1 : 0).get()
    }

    /// Stops accepting; accepted connections go on. Removes the file of a unix socket.
    package func close() async {
        let (channel, file) = self.state.withLock { state in
            state.isClosed = true
            return (state.channel, state.file)
        }
        file?.remove()
        try? await channel.close().get()
    }
}

// MARK: - Listening again

extension BoundListener {
    /// Listens again if the channel closes by itself: NIO closes it after some errors of accept(2) that Linux passes on
    /// from a network that is down or filtered (see its manual page).
    private func watch(_ channel: any Channel) {
        channel.closeFuture.whenComplete { _ in
            if !self.isClosed {
                self.environment.logger().error(
                    "the listener has ended, listening again",
                    metadata: ["address": "\(self.address)"]
                )
                self.listenAgain(after: .milliseconds(100), on: channel.eventLoop)
            }
        }
    }

    private func listenAgain(after delay: TimeAmount, on eventLoop: any EventLoop) {
        eventLoop.scheduleTask(in: delay) {
            Task {
                guard !self.isClosed else {
                    return
                }
                do {
                    try await self.bindAgain()
                } catch {
                    self.environment.logger().error("cannot listen again", metadata: ["error": "\(error)"])
                    self.listenAgain(after: min(delay + delay, .seconds(5)), on: eventLoop)
                }
            }
        }
    }

    private func bindAgain() async throws {
        let options = self.state.withLock { $0.options }
        let socket = try await BoundSocket.bind([self.address], options, besides: self.environment.neighbours())
        let channel = try await Self.open(socket, self.environment)
        let isWanted = self.state.withLock { state in
            if !state.isClosed {
                state.channel = channel
                state.file = socket.file
            }
            return !state.isClosed
        }
        guard isWanted else {
            socket.file?.remove()
            try? await channel.close().get()
            return
        }
        self.watch(channel)
    }
}

// MARK: - Sharing a port

extension BoundSocket {
    /// Binds a socket. Conflicting listeners of this process share their port meanwhile.
    ///
    /// Linux checks the option of both sockets when one is bound and when it begins to listen. Neither keeps it, so no
    /// other process can bind beside them. The new socket listens when this returns.
    ///
    /// - Throws: `IOError`; nothing has changed then.
    package static func bind(
        _ addresses: [SocketAddress],
        _ options: Options,
        besides listeners: [BoundListener]
    ) async throws -> BoundSocket {
        guard addresses.allSatisfy({ $0.pathname == nil }) else {
            // A task of its own is never cancelled, so that a bound socket always has an owner.
            return try await Task { try await BlockingCall.run { try Self.bind(addresses, options) } }.value
        }
        let inTheWay = listeners.filter { listener in addresses.contains { $0.conflicts(with: listener.address) } }
        do {
            return try Self.bind(addresses, options)
        } catch let error as IOError where error.errnoCode == EADDRINUSE && !inTheWay.isEmpty {
            for listener in inTheWay {
                await listener.sharePort(true)
            }
            let result = Result { try Self.bindSharing(addresses, options) }
            for listener in inTheWay {
                await listener.sharePort(false)
            }
            return try result.get()
        }
    }

    private static func bindSharing(_ addresses: [SocketAddress], _ options: Options) throws -> BoundSocket {
        let socket = try Self.bind(addresses, options, sharesPort: true)
        do {
            try socket.listen()
            try socket.endSharing()
        } catch {
            socket.close()
            throw error
        }
        return socket
    }
}

// MARK: - Channels

extension ServerBootstrap {
    /// Makes the channel of a listening socket; the channel owns it.
    package func channel(of socket: BoundSocket) async throws -> any Channel {
        let channel = try await self.withBoundSocket(socket.descriptor).get()
        let backlog = socket.options.backlog
        // NIO has replaced the socket's backlog by its own.
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                _ = systemListen($0, backlog)
            }
        }.get()
        return channel
    }
}
