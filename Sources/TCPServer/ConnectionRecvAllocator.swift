import NIOCore

/// Allocates read buffers that start small, grow with the client's traffic, and are not kept while it is silent.
///
/// NIO keeps a channel's first buffers for its next reads, for ever: they would be most of the memory of an idle
/// connection that was busy before. Because this allocator does not announce the next size, NIO keeps only the first
/// and smallest buffer, and asks for another when the next read may be larger. The event loop's connections share those
/// larger buffers (``LoopConnections/takeBuffer(capacity:maximum:)``).
///
/// Three words: NIO keeps it in the channel without an allocation of its own. NIO's ``AdaptiveRecvByteBufferAllocator``,
/// which adapts in the same way, is six.
struct ConnectionRecvAllocator: RecvByteBufferAllocator {
    private let home: LoopConnections
    /// Sizes are powers of two, of which these are the exponents.
    private let smallest: UInt8
    private let largest: UInt8
    private var next: UInt8
    /// Whether the last read has filled half of its buffer at most.
    private var mayShrink = false
    /// Whether NIO already has the buffer that it keeps.
    private var hasRead = false

    /// - Parameter maximum: The largest size of a buffer in bytes, rounded up to a power of two; at least 1.
    init(maximum: Int, home: LoopConnections) {
        self.home = home
        let maximum = min(max(1, maximum), 1 << 30)
        self.largest = UInt8(Int.bitWidth - (maximum - 1).leadingZeroBitCount)
        self.smallest = min(9, UInt8(Int.bitWidth - 1 - maximum.leadingZeroBitCount))
        self.next = self.smallest
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        let size = 1 << Int(self.next)
        let spare = self.hasRead ? self.home.takeBuffer(capacity: size, maximum: 1 << Int(self.largest)) : nil
        return spare ?? allocator.buffer(capacity: size)
    }

    /// - Returns: Whether NIO should ask for a new buffer instead of reusing the one it keeps.
    mutating func record(actualReadBytes: Int) -> Bool {
        self.hasRead = true
        let size = 1 << Int(self.next)
        if actualReadBytes <= size / 2, self.next > self.smallest {
            // Twice in a row.
            self.next -= self.mayShrink ? 1 : 0
            self.mayShrink.toggle()
        } else {
            self.mayShrink = false
            self.next += actualReadBytes >= size && self.next < self.largest ? 1 : 0
        }
        return self.next > self.smallest
    }

    func nextBufferSize() -> Int? {
        nil
    }
}
