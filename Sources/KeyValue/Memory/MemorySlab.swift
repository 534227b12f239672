/// Entries at fixed indices, in chunks: a growing array would double, and move a million entries in one call.
struct MemorySlab: ~Copyable {
    /// Stands for "no entry".
    static let none = UInt32.max

    struct Entry {
        /// `nil` in a free entry.
        var record: MemoryRecord?
        /// `Int64.max` for none.
        var expiry: UnixMilliseconds
        /// The low half of the key's hash.
        var hash: UInt32
        /// The next one in the same bucket, or the next free one.
        var next = MemorySlab.none
        /// The place in the heap of expiries.
        var position = MemorySlab.none
        /// The neighbours in the order of use, kept only if the storage evicts.
        var older = MemorySlab.none
        var newer = MemorySlab.none
    }

    private static let shift: UInt32 = 8
    private static let chunkCount = 1 << Int(shift)

    private var chunks: [UnsafeMutablePointer<Entry>] = []
    /// Entries that were ever in use; those above are uninitialized.
    private var used: UInt32 = 0
    private var firstFree = Self.none

    deinit {
        var chunks = self.chunks
        var used = self.used
        while Self.releaseChunk(of: &chunks, used: &used) {}
    }

    func pointer(to index: UInt32) -> UnsafeMutablePointer<Entry> {
        self.chunks[Int(index >> Self.shift)] + Int(index & UInt32(Self.chunkCount - 1))
    }

    mutating func insert(_ entry: consuming Entry) -> UInt32 {
        if self.firstFree != Self.none {
            let index = self.firstFree
            let place = self.pointer(to: index)
            self.firstFree = place.pointee.next
            place.pointee = entry
            return index
        }
        let index = self.used
        if Int(index >> Self.shift) == self.chunks.count {
            self.chunks.append(.allocate(capacity: Self.chunkCount))
        }
        self.pointer(to: index).initialize(to: entry)
        self.used += 1
        return index
    }

    mutating func remove(_ index: UInt32) {
        let place = self.pointer(to: index)
        place.pointee.record = nil
        place.pointee.next = self.firstFree
        self.firstFree = index
    }

    /// Releases a part of all entries. The slab is of no other use after that.
    ///
    /// - Returns: Whether there was one.
    mutating func releaseChunk() -> Bool {
        Self.releaseChunk(of: &self.chunks, used: &self.used)
    }

    private static func releaseChunk(of chunks: inout [UnsafeMutablePointer<Entry>], used: inout UInt32) -> Bool {
        guard let chunk = chunks.popLast() else { return false }
        let start = UInt32(chunks.count) << Self.shift
        chunk.deinitialize(count: Int(used - start))
        chunk.deallocate()
        used = start
        return true
    }
}
