import Glibc
import NIOCore

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
    /// How far the buffer was searched.
    private var progress = DelimiterSearch.Progress()
    /// Where the last packet that was found in the buffer ends, 0 without one; `merge` only.
    private var lastEnd = 0

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
        self.forgetSearch()
    }

    private mutating func forgetSearch() {
        self.progress = DelimiterSearch.Progress()
        self.lastEnd = 0
    }

    /// So many bytes are not copied for a small packet.
    private static let muchLeft = 64 * 1024

    private mutating func take(_ length: Int) -> ByteBuffer? {
        self.forgetSearch()
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

    private mutating func packet(_ length: Int?) -> Result {
        length.flatMap { self.take($0) }.map { .packet($0) } ?? .none
    }

    private mutating func nextMerged(_ framing: PacketFraming) -> Result {
        let limit = framing.maximumPacketSize
        // Mostly what came is whole packets: nothing of it needs a look but its end.
        if self.count <= limit, framing.delimiter.count <= Self.shortDelimiter, self.endsWith(framing.delimiter) {
            return self.packet(self.count)
        }
        var progress = self.progress
        let end = self.buffer.withUnsafeReadableBytes { bytes in
            framing.search.lastEnd(in: bytes, &progress, limit: min(bytes.count, limit))
        }
        self.progress = progress
        self.lastEnd = end ?? self.lastEnd
        guard self.count > limit else {
            return self.lastEnd == self.count ? self.packet(self.count) : .none
        }
        guard self.lastEnd > 0 else {
            return .tooLarge
        }
        // Several packets may have gathered: as many as one may hold go, so that nobody is cut off for being fast. After
        // them is no end before the limit, so that the search goes on from there.
        framing.search.forget(before: self.lastEnd, &progress)
        let result = self.packet(self.lastEnd)
        self.progress = progress
        return result
    }

    /// Delimiters of so many bytes are compared each time that something comes; longer ones are searched for only, as
    /// a client that sends byte by byte would have all of them compared for each.
    private static let shortDelimiter = 64

    private func endsWith(_ delimiter: [UInt8]) -> Bool {
        self.buffer.withUnsafeReadableBytes { bytes in
            delimiter.withUnsafeBytes { expected in
                guard bytes.count >= expected.count, let base = bytes.baseAddress, let start = expected.baseAddress
                else {
                    return false
                }
                return memcmp(base + (bytes.count - expected.count), start, expected.count) == 0
            }
        }
    }

    private mutating func nextSplit(_ framing: PacketFraming) -> Result {
        var progress = self.progress
        let end = self.buffer.withUnsafeReadableBytes { bytes in
            framing.search.firstEnd(in: bytes, &progress, limit: bytes.count)
        }
        guard let end else {
            self.progress = progress
            return self.count > framing.maximumPacketSize ? .tooLarge : .none
        }
        return end > framing.maximumPacketSize ? .tooLarge : self.packet(end)
    }
}
