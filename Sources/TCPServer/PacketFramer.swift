import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Gathers what a client sends and cuts it into packets; each byte is looked at once, however it comes in pieces.
struct PacketFramer {
    enum Result: Hashable {
        /// More bytes are needed.
        case none
        case packet(ByteBuffer)
        /// No delimiter within the most bytes that a packet may have.
        case tooLarge
    }

    private var buffer = ByteBuffer()
    /// Bytes of the buffer that are known to hold no end of a packet; `split` only.
    private var scanned = 0

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
            return .none
        }
        switch framing.mode {
        case .merge: return self.nextMerged(framing)
        case .split: return self.nextSplit(framing)
        }
    }

    /// What is left when no more bytes come.
    mutating func takeRest() -> ByteBuffer? {
        guard self.count > 0 else {
            return nil
        }
        return self.take(self.count)
    }

    mutating func removeAll() {
        self.buffer = ByteBuffer()
        self.scanned = 0
    }

    private mutating func take(_ length: Int) -> ByteBuffer? {
        self.scanned = 0
        if length == self.count {
            defer { self.buffer = ByteBuffer() }
            return self.buffer
        }
        return self.buffer.readSlice(length: length)
    }

    private mutating func packet(_ length: Int?) -> Result {
        length.flatMap { self.take($0) }.map { .packet($0) } ?? .none
    }

    private mutating func nextMerged(_ framing: PacketFraming) -> Result {
        guard self.count > framing.maximumPacketSize else {
            let ends = self.buffer.withUnsafeReadableBytes { $0.endsWith(framing.delimiter, at: $0.count) }
            return ends ? self.packet(self.count) : .none
        }
        // Several packets may have gathered: as many as one may hold go, so that nobody is cut off for being fast.
        let length = self.buffer.withUnsafeReadableBytes { bytes in
            stride(from: framing.maximumPacketSize, to: framing.delimiter.count - 1, by: -1)
                .first { bytes.endsWith(framing.delimiter, at: $0) }
        }
        return length == nil ? .tooLarge : self.packet(length)
    }

    private mutating func nextSplit(_ framing: PacketFraming) -> Result {
        let length = self.buffer.withUnsafeReadableBytes { bytes in
            bytes.endOfPacket(delimiter: framing.delimiter, from: self.scanned)
        }
        guard let length else {
            self.scanned = self.count
            return self.count > framing.maximumPacketSize ? .tooLarge : .none
        }
        return length > framing.maximumPacketSize ? .tooLarge : self.packet(length)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes before `end` are the delimiter.
    fileprivate func endsWith(_ delimiter: [UInt8], at end: Int) -> Bool {
        guard end >= delimiter.count, let base = self.baseAddress else {
            return false
        }
        return delimiter.withUnsafeBytes { expected in
            guard let start = expected.baseAddress else {
                return false
            }
            return memcmp(base + (end - delimiter.count), start, delimiter.count) == 0
        }
    }

    /// Where the first packet ends, or `nil`; looks for the delimiter's last byte from `from` on.
    fileprivate func endOfPacket(delimiter: [UInt8], from: Int) -> Int? {
        guard let base = self.baseAddress, let last = delimiter.last else {
            return nil
        }
        var position = from
        while position < self.count, let hit = memchr(base + position, Int32(last), self.count - position) {
            position = UnsafeRawPointer(hit) - base + 1
            if self.endsWith(delimiter, at: position) {
                return position
            }
        }
        return nil
    }
}
