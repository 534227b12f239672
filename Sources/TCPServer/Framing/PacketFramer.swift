import NIOCore

/// Gathers a client's bytes and cuts them into packets. Each byte is examined once, whatever pieces it arrives in.
struct PacketFramer {
    enum Result: Hashable {
        /// More bytes are needed.
        case incomplete
        case packet(ByteBuffer)
        /// A packet exceeds the maximum size.
        case tooLarge
    }

    /// The state that a decoder keeps between two pieces of the stream.
    private enum Decoder {
        /// No gathered byte has been examined yet.
        case fresh
        case merge(MergeDecoder)
        case split(SplitDecoder)
    }

    private var buffer = ByteBuffer()
    private var decoder = Decoder.fresh

    /// Bytes that are not part of a packet yet.
    var count: Int {
        self.buffer.readableBytes
    }

    mutating func append(_ bytes: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            if self.buffer.readerIndex > self.buffer.storageCapacity / 2 {
                self.buffer.discardReadBytes()
            }
            self.buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Frees memory beyond the gathered bytes: an incomplete packet may stay for long.
    mutating func compact() {
        let count = self.buffer.readableBytes
        if count == 0 {
            self.buffer = ByteBuffer()
        } else if self.buffer.storageCapacity > max(256, 4 * count) {
            var copy = ByteBufferAllocator().buffer(capacity: count)
            copy.writeImmutableBuffer(self.buffer)
            self.buffer = copy
        }
    }

    mutating func next(_ framing: @autoclosure () -> PacketFraming) -> Result {
        guard self.count > 0 else {
            return .incomplete
        }
        switch self.boundary(framing()) {
        case .incomplete: return .incomplete
        case .packet(let length): return self.take(length).map { .packet($0) } ?? .incomplete
        case .tooLarge: return .tooLarge
        }
    }

    private mutating func boundary(_ framing: PacketFraming) -> PacketBoundary {
        let limit = framing.maximumPacketSize
        switch framing.rule {
        case .merge(let delimiter):
            var decoder = if case .merge(let decoder) = self.decoder { decoder } else { MergeDecoder() }
            let boundary = self.buffer.withUnsafeReadableBytes { decoder.next(in: $0, delimiter, limit: limit) }
            self.decoder = .merge(decoder)
            return boundary
        case .split(let delimiter):
            var decoder = if case .split(let decoder) = self.decoder { decoder } else { SplitDecoder() }
            let boundary = self.buffer.withUnsafeReadableBytes { decoder.next(in: $0, delimiter, limit: limit) }
            self.decoder = .split(decoder)
            return boundary
        }
    }

    /// Takes the remaining bytes once the client has ended its side.
    mutating func takeRest() -> ByteBuffer? {
        guard self.count > 0 else {
            return nil
        }
        self.decoder = .fresh
        return self.take(self.count)
    }

    mutating func removeAll() {
        self.buffer = ByteBuffer()
        self.decoder = .fresh
    }

    /// The number of remaining bytes beyond which a small packet is copied instead of sliced.
    private static let muchLeft = 64 * 1024

    private mutating func take(_ length: Int) -> ByteBuffer? {
        if length == self.count {
            var packet = ByteBuffer()
            swap(&packet, &self.buffer)
            return packet
        }
        let rest = self.count - length
        guard rest > Self.muchLeft, length < rest / 4 else {
            return self.buffer.readSlice(length: length)
        }
        // A slice would share memory with the remaining bytes, and the next read would have to copy them all: once per
        // packet of a client that sends without waiting.
        var packet = ByteBufferAllocator().buffer(capacity: length)
        self.buffer.withUnsafeReadableBytes {
            _ = packet.writeBytes(UnsafeRawBufferPointer(rebasing: $0.prefix(length)))
        }
        self.buffer.moveReaderIndex(forwardBy: length)
        return packet
    }
}
