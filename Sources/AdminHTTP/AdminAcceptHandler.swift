import Logging
import NIOCore

/// Keeps an admin listener alive when connections cannot be accepted, bounds how many there are, and knows them.
///
/// It always accepts: a probe must not wait for clients that say nothing, so that those make room. Without descriptors
/// every accept fails at once while the connection stays in the backlog: the handler makes room, stops reading for a
/// while, and logs once until a connection was accepted again.
final class AdminAcceptHandler: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private static let pause = TimeAmount.milliseconds(100)

    private let connections: AdminConnections
    private let logger: Logger
    private var isReadHeld = false
    private var isPaused = false
    private var hasLogged = false

    init(connections: AdminConnections, logger: Logger) {
        self.connections = connections
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.hasLogged = false
        let channel = self.unwrapInboundIn(data)
        self.connections.add(channel)
        channel.closeFuture.hop(to: context.eventLoop).assumeIsolated().whenComplete { _ in
            self.connections.remove(channel)
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if self.isPaused {
            self.isReadHeld = true
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
        self.connections.makeRoom()
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            if self.isReadHeld, context.channel.isActive {
                self.isReadHeld = false
                context.read()
            }
        }
    }
}
