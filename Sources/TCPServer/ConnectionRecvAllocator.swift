import NIOCore

/// Read buffers that start small, grow with what a client sends, and are not kept while it is silent.
///
/// NIO keeps a channel's first buffers for its next reads, for ever: most of the memory of an idle connection that has
/// been busy. As it is not told the next size it keeps one, the first and smallest, and asks for another when the next
/// read may be larger than that; the event loop's connections share those
/// (``LoopConnections/takeBuffer(capacity:maximum:)``).
struct ConnectionRecvAllocator: RecvByteBufferAllocator {
    private let home: LoopConnections
    private let maximum: Int
    private var sizes: AdaptiveRecvByteBufferAllocator
    private let smallest: Int
    private var next: Int
    /// Whether this is beyond the buffer that NIO keeps.
    private var hasRead = false

    /// - Parameter maximum: The most bytes of a buffer, at least 1.
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

    /// - Returns: Whether NIO is to ask for a buffer; or else it takes the one that it keeps, however much may come.
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
