import NIOCore
import Sockets

/// Writes the answers of a session.
///
/// Only the edge can make one, and it makes one that writes to the descriptor only for a connection without a stage that
/// transforms: bytes that must be encrypted have no way around the stage.
package struct SessionWriter {
    private var writer: DirectWriter

    /// - Parameter isRaw: Whether what is written goes to the client as it is.
    init(isRaw: Bool) {
        self.writer = isRaw ? DirectWriter(isLongLived: false) : .throughChannel
    }

    /// Whether the channel may have bytes that go before.
    package var isBehind: Bool {
        self.writer.isBehind
    }

    /// As ``DirectWriter/write(_:_:)``: what is returned is to be written with
    /// ``ChannelHandlerContext/writeAndFlush(_:promise:)``, now.
    package mutating func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer? {
        self.writer.write(bytes, context)
    }

    /// Bytes that the channel has still to write.
    package mutating func unwrittenBytes(_ context: ChannelHandlerContext) -> Int {
        self.writer.unwrittenBytes(context)
    }
}
