import Glibc
import Logging
import NIOCore

/// Keeps a listener alive when connections cannot be accepted: it waits and tries again (docs/protocol.md).
///
/// Connections beyond the limit stay in the backlog until others have ended. Without descriptors every accept would fail
/// at once all the same: the handler stops reading for a while. Either is logged at most once a minute.
final class AcceptBackoffHandler: ChannelDuplexHandler {
    typealias InboundIn = Channel
    typealias OutboundIn = Never

    private static let pause = TimeAmount.milliseconds(100)
    private static let lookForRoom = TimeAmount.milliseconds(10)
    private static let logInterval = TimeAmount.seconds(60)

    private let limit: ConnectionLimit
    private let logger: Logger
    /// Takes the connections; there before the listener reads.
    var setup: ConnectionSetupHandler?
    private var isPaused = false
    private var mayLogAt = NIODeadline.uptimeNanoseconds(0)

    init(limit: ConnectionLimit, logger: Logger) {
        self.limit = limit
        self.logger = logger
    }

    func read(context: ChannelHandlerContext) {
        guard self.limit.isReached else {
            context.read()
            return
        }
        self.log("too many connections for the limit of open descriptors, new ones wait")
        self.pause(for: Self.lookForRoom, context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.setup?.accepted(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard (error as? IOError)?.errnoCode != ECONNABORTED else {
            // That client left before it was accepted; the next one may be fine.
            return
        }
        self.log("cannot accept connections, trying again", ["error": "\(error)"])
        self.pause(for: Self.pause, context)
    }

    private func log(_ message: Logger.Message, _ metadata: Logger.Metadata = [:]) {
        let now = NIODeadline.now()
        if now >= self.mayLogAt {
            self.mayLogAt = now + Self.logInterval
            self.logger.error(message, metadata: metadata)
        }
    }

    private func pause(for time: TimeAmount, _ context: ChannelHandlerContext) {
        guard !self.isPaused else {
            return
        }
        self.isPaused = true
        self.setReading(false, context)
        self.resume(after: time, context)
    }

    private func resume(after time: TimeAmount, _ context: ChannelHandlerContext) {
        context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            guard !self.limit.isReached || !context.channel.isActive else {
                self.resume(after: Self.lookForRoom, context)
                return
            }
            self.isPaused = false
            self.setReading(true, context)
        }
    }

    private func setReading(_ isReading: Bool, _ context: ChannelHandlerContext) {
        // Fails on a closed channel only, which does not read anyway. Switched on, the channel reads at once.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
