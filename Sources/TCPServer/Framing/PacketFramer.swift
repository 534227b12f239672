import NIOCore

/// Gathers a client's bytes and cuts them into packets. Each byte is examined once, whatever pieces it arrives in.
struct PacketFramer {
    enum Result: Hashable {
        /// More bytes are needed.
        case incomplete
        case packet(ByteBuffer)
        /// This many bytes belonged to no packet and are gone; there may be a packet behind them.
        case skipped(Int)
        /// A packet exceeds the maximum size.
        case tooLarge
        /// The bytes cannot be the beginning of a packet.
        case malformed
    }

    /// The state that a decoder keeps between two pieces of the stream. Plain values only: copies of it cost nothing.
    private enum Decoder {
        /// No gathered byte has been examined yet.
        case fresh
        case merge(MergeDecoder)
        case split(SplitDecoder)
        case marked(MarkedDecoder)
        case length(LengthDecoder)
    }

    private var buffer = ByteBuffer()
    private var decoder = Decoder.fresh
    /// Of the packet that has begun, if its first bytes choose its rule.
    private var choice = StartRules.Choice.fresh
    /// What may follow the last packet and make its delimiter a longer one; see ``DelimiterSet``.
    private var tails: [[UInt8]] = []

    /// Bytes that are not part of a packet yet.
    var count: Int {
        self.buffer.readableBytes
    }

    mutating func append(_ bytes: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            // No more is moved than was taken since the last time.
            if self.buffer.readerIndex >= self.buffer.readableBytes {
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
        case .skip(let length):
            self.drop(length)
            return .skipped(length)
        case .tooLarge: return .tooLarge
        case .malformed: return .malformed
        }
    }

    private mutating func boundary(_ framing: PacketFraming) -> PacketBoundary {
        self.boundary(framing.rule, limit: framing.maximumPacketSize)
    }

    private mutating func boundary(_ rule: PacketFraming.Rule, limit: Int) -> PacketBoundary {
        switch rule {
        case .merge(let delimiter):
            return self.merge(delimiter, limit: limit)
        case .mergeAny(let delimiters):
            return self.merge(delimiters, limit: limit)
        case .split(let delimiter):
            var decoder = if case .split(let decoder) = self.decoder { decoder } else { SplitDecoder() }
            let boundary = self.buffer.withUnsafeReadableBytes { decoder.next(in: $0, delimiter, limit: limit) }
            self.decoder = .split(decoder)
            return boundary
        case .marked(let marks):
            return self.skippedTail() ?? self.marked(marks, limit: limit)
        case .length(let field):
            return self.length(field, limit: limit)
        case .fixed(let size):
            return size > limit ? .tooLarge : self.count >= size ? .packet(size) : .incomplete
        case .raw:
            return .packet(min(self.count, limit))
        case .need(let size):
            return self.count >= size ? .packet(min(self.count, limit)) : .incomplete
        case .starts(let rules):
            return self.skippedTail() ?? self.chosen(by: rules, limit: limit)
        }
    }

    private mutating func merge(_ delimiter: some Terminator, limit: Int) -> PacketBoundary {
        var decoder = if case .merge(let decoder) = self.decoder { decoder } else { MergeDecoder() }
        let boundary = self.buffer.withUnsafeReadableBytes { decoder.next(in: $0, delimiter, limit: limit) }
        self.decoder = .merge(decoder)
        return boundary
    }

    private mutating func length(_ field: LengthField, limit: Int) -> PacketBoundary {
        var decoder = if case .length(let decoder) = self.decoder { decoder } else { LengthDecoder() }
        let boundary = self.buffer.withUnsafeReadableBytes { decoder.next(in: $0, field, limit: limit) }
        if case .packet = boundary {
            self.decoder = .fresh
        } else {
            self.decoder = .length(decoder)
        }
        return boundary
    }

    private mutating func marked(_ marks: PacketMarks, limit: Int) -> PacketBoundary {
        var decoder = if case .marked(let decoder) = self.decoder { decoder } else { MarkedDecoder() }
        let boundary = self.buffer.withUnsafeReadableBytes { decoder.next(in: $0, marks, limit: limit) }
        if case .packet = boundary {
            self.decoder = .fresh
            self.tails = decoder.tails(marks)
        } else {
            self.decoder = .marked(decoder)
        }
        return boundary
    }

    /// Skips the rest of a delimiter whose beginning has ended the last packet.
    private mutating func skippedTail() -> PacketBoundary? {
        guard !self.tails.isEmpty else {
            return nil
        }
        let bytes = self.buffer.readableBytesView
        if let tail = self.tails.first(where: { bytes.starts(with: $0) }) {
            self.restart()
            return .skip(tail.count)
        }
        // The rest may still come; what is there may be a packet as well.
        if !self.tails.contains(where: { $0.starts(with: bytes) }) {
            self.tails = []
        }
        return nil
    }

    private mutating func chosen(by rules: StartRules, limit: Int) -> PacketBoundary {
        let fits = self.buffer.withUnsafeReadableBytes { rules.choose($0, &self.choice) }
        guard fits, case .made(let index) = self.choice else {
            // Half of a longer delimiter's rest is no packet yet.
            return fits || !self.tails.isEmpty ? .incomplete : .malformed
        }
        let boundary = self.boundary(rules.entries[index].rule, limit: limit)
        if case .packet(let length) = boundary {
            guard length >= rules.entries[index].starts.count else {
                return .malformed
            }
            self.choice = .fresh
        }
        return boundary
    }

    /// Takes the remaining bytes once the client has ended its side.
    mutating func takeRest() -> ByteBuffer? {
        guard self.count > 0 else {
            return nil
        }
        self.restart()
        return self.take(self.count)
    }

    mutating func removeAll() {
        self.buffer = ByteBuffer()
        self.restart()
    }

    /// Begins anew with the gathered bytes: another rule is in force.
    mutating func restart() {
        self.decoder = .fresh
        self.choice = .fresh
        self.tails = []
    }

    /// Whether the gathered bytes are no part of a packet that has begun.
    func isBetweenPackets(_ framing: PacketFraming) -> Bool {
        guard self.count > 0, case .marked(let marks) = framing.rule, case .marked(let decoder) = self.decoder else {
            return self.count == 0
        }
        return decoder.isBetweenPackets(marks)
    }

    /// What is known of a packet that is none.
    func evidence() -> PacketEvidence {
        let length: UInt64? = if case .length(let decoder) = self.decoder { decoder.reading.value } else { nil }
        return PacketEvidence(of: self.buffer, length: length)
    }

    /// Puts back the last bytes of the packet that was taken before.
    mutating func putBack(_ bytes: ByteBuffer) {
        self.restart()
        let start = self.buffer.readerIndex - bytes.readableBytes
        // Mostly they are still there.
        if start >= 0, self.buffer.getSlice(at: start, length: bytes.readableBytes) == bytes {
            self.buffer.moveReaderIndex(to: start)
            return
        }
        var buffer = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + self.count)
        buffer.writeImmutableBuffer(bytes)
        buffer.writeImmutableBuffer(self.buffer)
        self.buffer = buffer
    }

    private mutating func drop(_ length: Int) {
        if length == self.count {
            self.buffer = ByteBuffer()
        } else {
            self.buffer.moveReaderIndex(forwardBy: length)
        }
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
