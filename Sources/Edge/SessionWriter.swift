import NIOCore
import Sockets

/// Writes the answers of a session.
///
/// Only the edge can make one. It writes to the descriptor only if no handler of the connection changes bytes, nor ever
/// may: bytes that must be encrypted cannot bypass it.
package struct SessionWriter {
    private var writer: DirectWriter
    /// Where the connection is encrypted, or may be.
    private let output: EncryptedOutput?

    /// Of a connection whose answers reach the client unchanged.
    init() {
        self.writer = DirectWriter(isLongLived: false)
        self.output = nil
    }

    /// Of a connection that is encrypted, or may be.
    init(_ output: EncryptedOutput) {
        self.writer = .throughChannel
        self.output = output
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
        let bytes = self.writer.unwrittenBytes(context)
        guard let queued = self.output?.bytes, queued > 0 else {
            return bytes
        }
        // The edge writes them later, and the channel may hold some then.
        self.writer.channelWrites()
        return bytes + queued
    }
}
