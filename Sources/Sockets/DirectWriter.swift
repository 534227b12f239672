import Glibc
import NIOCore

/// Writes to a channel's descriptor at once while the channel itself has nothing to write.
///
/// The way through the pipeline and the channel's list of pending writes is 3,000 instructions a write, most of them to
/// count references. What the system takes at once needs neither. The rest, and whatever fails, goes the channel's way:
/// its buffering, its back-pressure and its errors are as ever, and the order is kept.
///
/// The number of a descriptor is never kept: a channel may close its descriptor at any time, and the next connection
/// gets the number. What is kept is the object that owns the descriptor. It lends the number to one system call, on the
/// event loop, which is the only thread that closes it; once the descriptor is closed there is no number to lend. So no
/// write can reach a descriptor that is not the channel's.
///
/// Confined to the channel's event loop.
package struct DirectWriter {
    private typealias Socket = any NIOTransportAccessibleChannelCore<NIOBSDSocket.Handle>
    private typealias Pipe = any NIOTransportAccessibleChannelCore<NIOBSDSocket.PipeHandle>

    private enum Target {
        /// Nothing was written yet. Can become `unknown`.
        case unused
        /// Can become `socket`, `pipe` or `channel`.
        case unknown
        /// Lends the descriptor of a socket.
        case socket(Socket)
        /// Lends the descriptors of a pipe.
        case pipe(Pipe)
        /// The channel lends no descriptor: it writes itself.
        case channel
    }

    /// The most bytes that are given to a socket at once: its reader may be as fast as we are, and others wait.
    private static let mostAtOnce = 1 << 20

    private var target: Target
    /// Whether the channel may have bytes that go before.
    package private(set) var isBehind = false

    /// - Parameter isLongLived: Whether many writes are to be expected. Or else the first one goes the channel's way, as
    ///   finding the owner of the descriptor takes the time of five.
    package init(isLongLived: Bool) {
        self.target = isLongLived ? .unknown : .unused
    }

    /// A writer that leaves all to the channel, and with it to the channel's handlers.
    package static var throughChannel: DirectWriter {
        DirectWriter(target: .channel)
    }

    private init(target: Target) {
        self.target = target
    }

    /// Writes what the system takes at once, when nothing goes before it.
    ///
    /// - Returns: What is left for the caller to write with ``ChannelHandlerContext/writeAndFlush(_:promise:)``, now. It is
    ///   not done here because it may call handlers back, which may ask this writer.
    package mutating func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer? {
        guard let written = self.writeNow(bytes, context) else {
            self.isBehind = true
            return bytes
        }
        guard written < bytes.readableBytes else {
            return nil
        }
        // An error is met again by the channel, which knows what to do with it.
        self.isBehind = true
        var rest = bytes
        rest.moveReaderIndex(forwardBy: max(0, written))
        return rest
    }

    /// Notes that the caller has the channel write something on its own.
    package mutating func channelWrites() {
        self.isBehind = true
    }

    /// Bytes that the channel has still to write; asks it only when there may be some.
    package mutating func unwrittenBytes(_ context: ChannelHandlerContext) -> Int {
        guard self.isBehind else {
            return 0
        }
        let bytes = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        self.isBehind = bytes != 0
        return bytes ?? 0
    }

    /// - Returns: What the system took, negative for an error; `nil` when the channel is to write.
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
            // Throws when the socket is closed.
            return try? owner.withUnsafeTransport { descriptor in
                bytes.withUnsafeReadableBytes {
                    send(descriptor, $0.baseAddress, min($0.count, Self.mostAtOnce), CInt(MSG_NOSIGNAL))
                }
            }
        case .pipe(let owner):
            // -1 when that end is closed.
            return try? owner.withUnsafeTransport { pipe in
                bytes.withUnsafeReadableBytes { writeToPipe(pipe.output, $0) }
            }
        case .channel:
            return nil
        }
    }

    private static func target(of channel: any Channel) -> Target {
        // As ``ChannelPipeline/SynchronousOperations/withUnsafeTransportIfAvailable(of:_:)`` does, at each call.
        switch channel._channelCore {
        case let owner as Socket: .socket(owner)
        case let owner as Pipe: .pipe(owner)
        default: .channel
        }
    }
}

/// write(2), whose name is taken within the type.
private func writeToPipe(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
