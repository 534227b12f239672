import NIOCore

/// Gathers what a client sends and cuts it into packets; each byte is looked at once, however it comes in pieces.
struct PacketFramer {
    enum Result: Hashable {
        /// More bytes are needed.
        case incomplete
        case packet(ByteBuffer)
        /// A packet has more bytes than a packet may have.
        case tooLarge
    }

    /// What a decoder keeps between two pieces of the stream.
    private enum Decoder {
        /// Nothing of what is gathered was looked at.
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

    /// Gives back memory beyond what is gathered: what waits for its end may wait for long.
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

    mutating func next(_ framing: PacketFraming) -> Result {
        guard self.count > 0 else {
            return .incomplete
        }
        switch self.boundary(framing) {
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

    /// What is left when no more bytes come.
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

    /// So many bytes are not copied for a small packet.
    private static let muchLeft = 64 * 1024

    private mutating func take(_ length: Int) -> ByteBuffer? {
        if length == self.count {
            defer { self.buffer = ByteBuffer() }
            return self.buffer
        }
        let rest = self.count - length
        guard rest > Self.muchLeft, length < rest / 4 else {
            return self.buffer.readSlice(length: length)
        }
        // A slice shares the memory of what is left, all of which would be copied when more comes: once for each packet
        // of a client that sends without waiting.
        var packet = ByteBufferAllocator().buffer(capacity: length)
        self.buffer.withUnsafeReadableBytes {
            _ = packet.writeBytes(UnsafeRawBufferPointer(rebasing: $0.prefix(length)))
        }
        self.buffer.moveReaderIndex(forwardBy: length)
        return packet
    }
}
