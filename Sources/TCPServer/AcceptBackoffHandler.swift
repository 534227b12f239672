import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Keeps a listener alive when connections cannot be accepted: it waits and tries again (REFERENCE 3).
///
/// Without descriptors every accept fails at once and the connection stays in the backlog: the handler holds the next
/// read back for a while, and logs once until a connection was accepted again.
final class AcceptBackoffHandler: ChannelDuplexHandler {
    typealias InboundIn = Channel
    typealias OutboundIn = Never

    private static let pause = TimeAmount.milliseconds(100)

    private let logger: Logger
    private var isPaused = false
    private var isReadHeld = false
    private var hasLogged = false

    init(logger: Logger) {
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.hasLogged {
            self.hasLogged = false
            self.logger.notice("connections are accepted again")
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
        guard (error as? IOError)?.errnoCode != ECONNABORTED else {
            // That client left before it was accepted; the next one may be fine.
            return
        }
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
            if self.isReadHeld {
                self.isReadHeld = false
                context.read()
            }
        }
    }
}
