import NIOCore

/// Keys and values of one shard: a hash table, a heap of expiries, and the order of use if the storage evicts.
///
/// It has neither lock nor clock: every access is guarded by the lock of its shard.
final class MemoryTable: @unchecked Sendable {
    /// What a key costs beside its own bytes and those of its value; measured, and rounded up.
    static let overhead = 100

    /// Whether the order of use is kept.
    let keepsOrder: Bool

    var slab = MemorySlab()
    var heap: [UInt32] = []
    var oldest = MemorySlab.none
    var newest = MemorySlab.none

    private(set) var count = 0
    /// Keys, values and the overhead.
    private(set) var bytes = 0
    private(set) var expired = 0
    private(set) var evicted = 0

    /// The first entry of each bucket. Linear hashing: an insertion adds one bucket, which takes half of another one's
    /// entries, so that no insertion stops to move a million.
    private var buckets = [MemorySlab.none]
    private var mask: UInt32 = 0

    /// - Parameter countsOf: The table whose counts since the start are carried on.
    init(keepsOrder: Bool, countsOf other: MemoryTable? = nil) {
        self.keepsOrder = keepsOrder
        self.expired = other?.expired ?? 0
        self.evicted = other?.evicted ?? 0
    }

    static func cost(key: ByteBuffer, value: ByteBuffer) -> Int {
        key.readableBytes + value.readableBytes + Self.overhead
    }

    func cost(of index: UInt32) -> Int {
        (self.slab.pointer(to: index).pointee.record?.count ?? 0) + Self.overhead
    }

    func record(at index: UInt32) -> MemoryRecord? {
        self.slab.pointer(to: index).pointee.record
    }

    /// Finds a key; if its time has passed it is removed and not found.
    func find(_ key: MemoryKey, now: UnixMilliseconds) -> UInt32? {
        key.bytes.withUnsafeReadableBytes { self.find($0, key.hash, now: now) }
    }

    func find(_ key: UnsafeRawBufferPointer, _ hash: MemoryHash, now: UnixMilliseconds) -> UInt32? {
        var index = self.buckets[self.bucket(of: hash.low)]
        while index != MemorySlab.none {
            let entry = self.slab.pointer(to: index)
            if entry.pointee.hash == hash.low, let record = entry.pointee.record, record.hasKey(key) {
                guard entry.pointee.expiry > now else {
                    self.expire(index)
                    return nil
                }
                return index
            }
            index = entry.pointee.next
        }
        return nil
    }

    /// Sets a key that ``find(_:now:)`` has just found at an index, or not found.
    func set(_ record: MemoryRecord, _ hash: MemoryHash, at found: UInt32?, expiry: UnixMilliseconds) {
        if let index = found {
            let entry = self.slab.pointer(to: index)
            self.bytes += record.count - (entry.pointee.record?.count ?? 0)
            entry.pointee.record = record
            self.setExpiry(expiry, at: index)
            self.touch(index)
            return
        }
        let bucket = self.bucket(of: hash.low)
        let index = self.slab.insert(
            MemorySlab.Entry(record: record, expiry: .max, hash: hash.low, next: self.buckets[bucket]))
        self.buckets[bucket] = index
        self.count += 1
        self.bytes += record.count + Self.overhead
        self.setExpiry(expiry, at: index)
        self.link(index)
        self.grow()
    }

    func remove(_ index: UInt32) {
        let entry = self.slab.pointer(to: index)
        self.unschedule(index)
        self.unlink(index)
        self.detach(index, from: self.bucket(of: entry.pointee.hash))
        self.count -= 1
        self.bytes -= self.cost(of: index)
        self.slab.remove(index)
    }

    func expire(_ index: UInt32) {
        self.remove(index)
        self.expired += 1
    }

    /// Removes the key that was not used for the longest time.
    func evict() {
        guard self.oldest != MemorySlab.none else { return }
        self.remove(self.oldest)
        self.evicted += 1
    }

    private func bucket(of hash: UInt32) -> Int {
        let bucket = Int(hash & self.mask)
        // Of the level before, if this level has not got there yet.
        return bucket < self.buckets.count ? bucket : Int(hash & (self.mask >> 1))
    }

    private func grow() {
        guard self.count > self.buckets.count else { return }
        let added = UInt32(self.buckets.count)
        if added > self.mask {
            self.mask = self.mask << 1 | 1
        }
        let halved = Int(added & (self.mask >> 1))
        var (index, stays, moves) = (self.buckets[halved], MemorySlab.none, MemorySlab.none)
        while index != MemorySlab.none {
            let entry = self.slab.pointer(to: index)
            let next = entry.pointee.next
            if entry.pointee.hash & self.mask == added {
                entry.pointee.next = moves
                moves = index
            } else {
                entry.pointee.next = stays
                stays = index
            }
            index = next
        }
        self.buckets[halved] = stays
        self.buckets.append(moves)
    }

    private func detach(_ index: UInt32, from bucket: Int) {
        let next = self.slab.pointer(to: index).pointee.next
        guard self.buckets[bucket] != index else {
            self.buckets[bucket] = next
            return
        }
        var previous = self.buckets[bucket]
        while previous != MemorySlab.none {
            let entry = self.slab.pointer(to: previous)
            if entry.pointee.next == index {
                entry.pointee.next = next
                return
            }
            previous = entry.pointee.next
        }
    }
}
