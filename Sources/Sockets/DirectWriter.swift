import Glibc
import NIOCore

/// Writes to a channel's descriptor at once while the channel itself has nothing to write.
///
/// A write through the pipeline and the channel's list of pending writes costs 3,000 instructions, most of them for
/// reference counts. Bytes that the system takes at once need neither. The rest, and any failed write, go through the
/// channel: its buffering, back-pressure and errors work as usual, and the order is kept.
///
/// The writer never keeps a descriptor's number: a channel may close its descriptor at any time, and the next
/// connection gets the same number. Instead it keeps the object that owns the descriptor. The owner lends the number to
/// one system call on the event loop, which is the only thread that closes it, and lends none once it is closed. So no
/// write can reach a descriptor that is not the channel's.
///
/// Confined to the channel's event loop.
package struct DirectWriter {
    private typealias Socket = any NIOTransportAccessibleChannelCore<NIOBSDSocket.Handle>
    private typealias Pipe = any NIOTransportAccessibleChannelCore<NIOBSDSocket.PipeHandle>

    private enum Target {
        /// Nothing has been written yet. Can become `unknown`.
        case unused
        /// Can become `socket`, `pipe` or `channel`.
        case unknown
        /// Lends the descriptor of a socket.
        case socket(Socket)
        /// Lends the descriptors of a pipe.
        case pipe(Pipe)
        /// The channel lends no descriptor: all writes go through it.
        case channel
    }

    /// The most bytes written to a socket at once: a reader as fast as the writer would keep other connections waiting.
    private static let mostAtOnce = 1 << 20

    private var target: Target
    /// Whether the channel may hold earlier bytes.
    package private(set) var isBehind = false

    /// - Parameter isLongLived: Whether many writes are expected. Otherwise the first one goes through the channel:
    ///   finding the owner of the descriptor takes as long as five writes.
    package init(isLongLived: Bool) {
        self.target = isLongLived ? .unknown : .unused
    }

    /// A writer that leaves all bytes to the channel, and thus to the channel's handlers.
    package static var throughChannel: DirectWriter {
        DirectWriter(target: .channel)
    }

    private init(target: Target) {
        self.target = target
    }

    /// Writes as many bytes as the system takes at once, unless earlier bytes are pending.
    ///
    /// - Returns: The rest, which the caller must pass to ``ChannelHandlerContext/writeAndFlush(_:promise:)`` at once.
    ///   This method cannot: that call may re-enter handlers, which may use this writer.
    package mutating func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer? {
        guard let written = self.writeNow(bytes, context) else {
            self.isBehind = true
            return bytes
        }
        guard written < bytes.readableBytes else {
            return nil
        }
        // On an error, the channel's own write meets it again and handles it.
        self.isBehind = true
        var rest = bytes
        rest.moveReaderIndex(forwardBy: max(0, written))
        return rest
    }

    /// Notes that the caller writes bytes through the channel itself.
    package mutating func channelWrites() {
        self.isBehind = true
    }

    /// Bytes that the channel has still to write. Asks the channel only if it may hold some.
    package mutating func unwrittenBytes(_ context: ChannelHandlerContext) -> Int {
        guard self.isBehind else {
            return 0
        }
        let bytes = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        self.isBehind = bytes != 0
        return bytes ?? 0
    }

    /// - Returns: The number of bytes written, negative for an error; `nil` if the channel must write.
    private mutating func writeNow(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Int? {
        _ = self.unwrittenBytes(context)
        guard !self.isBehind else {
            return nil
        }
        switch self.target {
        case .unused:
            self.target = .unknown
            return nil
        case .unknown:
            self.target = Self.target(of: context.channel)
            return self.writeNow(bytes, context)
        case .socket(let owner):
            // Throws if the socket is closed.
            return try? owner.withUnsafeTransport { descriptor in
                bytes.withUnsafeReadableBytes {
                    send(descriptor, $0.baseAddress, min($0.count, Self.mostAtOnce), CInt(MSG_NOSIGNAL))
                }
            }
        case .pipe(let owner):
            // The output is -1 once it is closed.
            return try? owner.withUnsafeTransport { pipe in
                bytes.withUnsafeReadableBytes { writeToPipe(pipe.output, $0) }
            }
        case .channel:
            return nil
        }
    }

    private static func target(of channel: any Channel) -> Target {
        // ``ChannelPipeline/SynchronousOperations/withUnsafeTransportIfAvailable(of:_:)`` does the same at each call.
        switch channel._channelCore {
        case let owner as Socket: .socket(owner)
        case let owner as Pipe: .pipe(owner)
        default: .channel
        }
    }
}

/// write(2), whose name is shadowed within the type.
private func writeToPipe(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
