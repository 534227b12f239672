import NIOCore
import Sockets

/// Writes the answers of a session.
///
/// Only the edge can make one. It writes to the descriptor only if no handler of the connection changes bytes, nor ever
/// may: bytes that must be encrypted cannot bypass it.
package struct SessionWriter {
    private var writer: DirectWriter

    /// - Parameter isRaw: Whether answers reach the client unchanged.
    init(isRaw: Bool) {
        self.writer = isRaw ? DirectWriter(isLongLived: false) : .throughChannel
    }

    /// Whether the channel may hold earlier bytes.
    package var isBehind: Bool {
        self.writer.isBehind
    }

    /// As ``DirectWriter/write(_:_:)``: the caller must pass the returned bytes to
    /// ``ChannelHandlerContext/writeAndFlush(_:promise:)`` at once.
    package mutating func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer? {
        self.writer.write(bytes, context)
    }

    /// Bytes that the channel has still to write.
    package mutating func unwrittenBytes(_ context: ChannelHandlerContext) -> Int {
        self.writer.unwrittenBytes(context)
    }
}
