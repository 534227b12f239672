import NIOCore

/// Allocates read buffers that start small, grow with the client's traffic, and are not kept while it is silent.
///
/// NIO keeps a channel's first buffers for its next reads, for ever: they would be most of the memory of an idle
/// connection that was busy before. Because this allocator does not announce the next size, NIO keeps only the first
/// and smallest buffer, and asks for another when the next read may be larger. The event loop's connections share those
/// larger buffers (``LoopConnections/takeBuffer(capacity:maximum:)``).
struct ConnectionRecvAllocator: RecvByteBufferAllocator {
    private let home: LoopConnections
    private let maximum: Int
    private var sizes: AdaptiveRecvByteBufferAllocator
    private let smallest: Int
    private var next: Int
    /// Whether NIO already has the buffer that it keeps.
    private var hasRead = false

    /// - Parameter maximum: The largest size of a buffer in bytes, at least 1.
    init(maximum: Int, home: LoopConnections) {
        self.home = home
        self.maximum = max(1, maximum)
        let smallest = min(512, self.maximum)
        self.sizes = AdaptiveRecvByteBufferAllocator(minimum: smallest, initial: smallest, maximum: self.maximum)
        self.smallest = smallest
        self.next = smallest
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        let spare = self.hasRead ? self.home.takeBuffer(capacity: self.next, maximum: self.maximum) : nil
        return spare ?? allocator.buffer(capacity: self.next)
    }

    /// - Returns: Whether NIO should ask for a new buffer instead of reusing the one it keeps.
    mutating func record(actualReadBytes: Int) -> Bool {
        self.hasRead = true
        _ = self.sizes.record(actualReadBytes: actualReadBytes)
        self.next = self.sizes.nextBufferSize() ?? self.next
        return self.next > self.smallest
    }

    func nextBufferSize() -> Int? {
        nil
    }
}
