public import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes to a channel's descriptor at once while the channel itself has nothing to write.
///
/// The way through the pipeline and the channel's list of pending writes is 3,000 instructions a write, most of them to
/// count references. What the system takes at once needs neither. The rest, and whatever fails, goes the channel's way:
/// its buffering, its back-pressure and its errors are as ever, and the order is kept.
///
/// Confined to the channel's event loop.
public struct DirectWriter {
    private enum Target {
        /// Nothing was written yet. Can become `unknown`.
        case unused
        /// Can become any but `unused`.
        case unknown
        case socket(CInt)
        case pipe(CInt)
        /// The channel has no descriptor, or does not tell it.
        case none
    }

    /// The most bytes that are given to a socket at once: its reader may be as fast as we are, and others wait.
    private static let mostAtOnce = 1 << 20

    private var target: Target
    /// Whether the channel may have bytes that go before.
    public private(set) var isBehind = false

    /// - Parameter isLongLived: Whether many writes are to be expected. Or else the first one goes the channel's way, as
    ///   finding out the descriptor takes the time of five.
    public init(isLongLived: Bool) {
        self.target = isLongLived ? .unknown : .unused
    }

    /// Writes all of it, sooner or later, as ``ChannelHandlerContext/writeAndFlush(_:promise:)`` does.
    public mutating func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard let written = self.writeNow(bytes, context) else {
            self.writeThroughChannel(bytes, context)
            return
        }
        if written < bytes.readableBytes {
            // An error is met again by the channel, which knows what to do with it.
            var rest = bytes
            rest.moveReaderIndex(forwardBy: max(0, written))
            self.writeThroughChannel(rest, context)
        }
    }

    /// Bytes that the channel has still to write; asks it only when there may be some.
    public mutating func unwrittenBytes(_ context: ChannelHandlerContext) -> Int {
        guard self.isBehind else {
            return 0
        }
        let bytes = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        self.isBehind = bytes != 0
        return bytes ?? 0
    }

    /// Writes two buffers with one call of the system.
    public mutating func write(_ first: ByteBuffer, _ second: ByteBuffer, _ context: ChannelHandlerContext) {
        context.write(NIOAny(first), promise: nil)
        self.writeThroughChannel(second, context)
    }

    private mutating func writeThroughChannel(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.isBehind = true
        context.writeAndFlush(NIOAny(bytes), promise: nil)
    }

    /// - Returns: What the system took, negative for an error; `nil` when the channel is to write.
    private mutating func writeNow(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Int? {
        let channel = context.channel
        // A channel that is not active has closed its descriptor, and the number may be another's by now.
        guard channel.isActive else {
            return nil
        }
        _ = self.unwrittenBytes(context)
        guard !self.isBehind else {
            return nil
        }
        switch self.target {
        case .unused:
            self.target = .unknown
            return nil
        case .unknown:
            self.target = Self.target(of: context.pipeline.syncOperations)
            return self.writeNow(bytes, context)
        case .socket(let descriptor):
            return bytes.withUnsafeReadableBytes {
                send(descriptor, $0.baseAddress, min($0.count, Self.mostAtOnce), CInt(MSG_NOSIGNAL))
            }
        case .pipe(let descriptor):
            return bytes.withUnsafeReadableBytes { writeToPipe(descriptor, $0) }
        case .none:
            return nil
        }
    }

    private static func target(of pipeline: ChannelPipeline.SynchronousOperations) -> Target {
        if let socket = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self, { $0 }) {
            return .socket(socket)
        }
        let pipe = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.PipeHandle.self) { $0.output }
        return pipe.map { .pipe($0) } ?? .none
    }
}

/// write(2), whose name is taken within the type.
private func writeToPipe(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
