import NIOCore

/// A key with its hash, which is computed before the lock is taken.
struct MemoryKey {
    let bytes: ByteBuffer
    let hash: MemoryHash

    init(_ bytes: ByteBuffer, shards: Int) {
        self.bytes = bytes
        self.hash = bytes.withUnsafeReadableBytes { MemoryHash($0, shards: shards) }
    }
}

/// Where a key belongs. Seeded anew in each process: nobody can choose keys that share a bucket.
struct MemoryHash {
    let low: UInt32
    /// Of other bits than `low`.
    let shard: Int

    /// - Parameter shards: A power of two, 65536 at most.
    init(_ key: UnsafeRawBufferPointer, shards: Int) {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        let hash = UInt(bitPattern: hasher.finalize())
        self.low = UInt32(truncatingIfNeeded: hash)
        self.shard = Int(hash >> 48) & (shards - 1)
    }
}
