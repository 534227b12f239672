import Logging
import NIOCore

/// Keeps an admin listener alive when connections cannot be accepted, bounds how many there are, and knows them.
///
/// Without descriptors every accept fails at once while the connection stays in the backlog: the handler stops reading
/// for a while, and logs once until a connection was accepted again. When there are too many connections the oldest one
/// makes room: a probe must not wait for clients that say nothing.
final class AdminAcceptHandler: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private static let pause = TimeAmount.milliseconds(100)
    /// How long a connection is there at least before it makes room: more than an answer takes.
    private static let patience = TimeAmount.seconds(1)

    private let connections: AdminConnections
    private let logger: Logger
    private var isReadHeld = false
    private var isPaused = false
    private var isMakingRoom = false
    private var hasLogged = false

    init(connections: AdminConnections, logger: Logger) {
        self.connections = connections
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.hasLogged = false
        let channel = self.unwrapInboundIn(data)
        self.connections.add(channel, at: context.eventLoop.now)
        channel.closeFuture.hop(to: context.eventLoop).assumeIsolated().whenComplete { _ in
            self.connections.remove(channel)
            self.readIfHeld(context)
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if self.isPaused || self.connections.isFull {
            self.isReadHeld = true
            self.makeRoom(context)
        } else {
            context.read()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Not passed on: what comes next would give the listener up.
        if !self.hasLogged {
            self.hasLogged = true
            self.logger.error("cannot accept connections, trying again", metadata: ["error": "\(error)"])
        }
        guard !self.isPaused else {
            return
        }
        self.isPaused = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            self.readIfHeld(context)
        }
    }

    private func makeRoom(_ context: ChannelHandlerContext) {
        guard !self.isMakingRoom, self.connections.isFull, let oldest = self.connections.oldest else {
            return
        }
        self.isMakingRoom = true
        context.eventLoop.assumeIsolated().scheduleTask(deadline: oldest + Self.patience) {
            self.isMakingRoom = false
            if self.isReadHeld, self.connections.isFull {
                // Its end lets the next one in.
                self.connections.closeOldest()
            }
        }
    }

    private func readIfHeld(_ context: ChannelHandlerContext) {
        if self.isReadHeld, !self.isPaused, !self.connections.isFull, context.channel.isActive {
            self.isReadHeld = false
            context.read()
        }
    }
}
