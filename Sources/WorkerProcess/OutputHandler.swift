import Logging
import NIOCore

/// Logs a worker's standard error, one entry per line, and never lets the pipe fill up. It also logs the standard
/// output if frames go over a socket.
final class OutputHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    /// A longer line is logged in pieces of this many bytes.
    static let lineLimit = 16 * 1024

    private let logger: Logger
    private let lines: NIOLoopBoundBox<LineBuffer>

    init(eventLoop: any EventLoop, logger: Logger) {
        self.logger = logger
        self.lines = NIOLoopBoundBox.makeBoxSendingValue(LineBuffer(limit: Self.lineLimit), eventLoop: eventLoop)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.lines.value.append(self.unwrapInboundIn(data))
        while let line = self.lines.value.next() {
            self.log(line)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let rest = self.lines.value.rest() {
            self.log(rest)
        }
        context.fireChannelInactive()
    }

    private func log(_ line: String) {
        self.logger.info("\(line)")
    }
}
