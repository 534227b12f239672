import NIOCore

/// Read buffers that start small, grow with what a client sends, and are not kept while it is silent.
///
/// NIO keeps a channel's first buffers for its next reads, for ever: most of the memory of an idle connection that has
/// been busy. As it is not told the next size it keeps one, the first and smallest, and asks for another each time; the
/// event loop's connections share those (``LoopConnections/takeBuffer(capacity:maximum:)``).
struct ConnectionRecvAllocator: RecvByteBufferAllocator {
    private let home: LoopConnections
    private let maximum: Int
    private var sizes: AdaptiveRecvByteBufferAllocator
    private var next: Int
    /// Whether this is beyond the buffer that NIO keeps.
    private var hasRead = false

    /// - Parameter maximum: The most bytes of a buffer, at least 1.
    init(maximum: Int, home: LoopConnections) {
        self.home = home
        self.maximum = max(1, maximum)
        let smallest = min(512, self.maximum)
        self.sizes = AdaptiveRecvByteBufferAllocator(minimum: smallest, initial: smallest, maximum: self.maximum)
        self.next = smallest
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        let spare = self.hasRead ? self.home.takeBuffer(capacity: self.next, maximum: self.maximum) : nil
        return spare ?? allocator.buffer(capacity: self.next)
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        self.hasRead = true
        let mayGrow = self.sizes.record(actualReadBytes: actualReadBytes)
        self.next = self.sizes.nextBufferSize() ?? self.next
        return mayGrow
    }

    func nextBufferSize() -> Int? {
        nil
    }
}
