import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Keeps a listener alive when connections cannot be accepted: it waits and tries again (REFERENCE 3).
///
/// Without descriptors every accept fails at once while the connection stays in the backlog: the handler stops reading
/// for a while, and logs once until a connection was accepted again.
final class AcceptBackoffHandler: ChannelInboundHandler {
    typealias InboundIn = Channel

    private static let pause = TimeAmount.milliseconds(100)

    private let logger: Logger
    private var isPaused = false
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
        self.setReading(false, context)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            self.setReading(true, context)
        }
    }

    private func setReading(_ isReading: Bool, _ context: ChannelHandlerContext) {
        // Fails on a closed channel only, which does not read anyway.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
