import NIOCore
import Synchronization

/// A part of the keys, with its lock.
final class MemoryShard: @unchecked Sendable {
    let lock = Mutex<Void>(())
    /// Used only by the holder of the lock, which `Mutex` cannot guard itself: a request may hold several.
    var table: MemoryTable

    init(_ table: MemoryTable) {
        self.table = table
    }
}

/// All parts. Requests that need several lock them in ascending order.
struct MemoryShards: Sendable {
    private let all: [MemoryShard]

    /// - Parameter count: A power of two, 64 at most.
    init(count: Int, keepsOrder: Bool) {
        self.all = (0..<count).map { _ in MemoryShard(MemoryTable(keepsOrder: keepsOrder)) }
    }

    var count: Int { self.all.count }

    func keys(_ keys: some Sequence<ByteBuffer>) -> [MemoryKey] {
        keys.map { MemoryKey($0, shards: self.all.count) }
    }

    /// The table of a key, for the holder of its lock.
    func table(of key: MemoryKey) -> MemoryTable {
        self.all[key.hash.shard].table
    }

    /// Runs a body with the table of one key, and its lock.
    func withTable<Result: Sendable>(of hash: MemoryHash, _ body: (MemoryTable) -> Result) -> Result {
        let shard = self.all[hash.shard]
        return shard.lock.withLock { _ in body(shard.table) }
    }

    /// Runs a body with the locks of all that these keys are in.
    func withLocks<Result: Sendable>(
        of keys: [MemoryKey],
        _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        var shards: UInt64 = 0
        for key in keys {
            shards |= 1 << UInt64(key.hash.shard)
        }
        return try self.withLocks(shards, body)
    }

    /// - Parameter shards: A bit for each.
    private func withLocks<Result: Sendable>(
        _ shards: UInt64,
        _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        guard shards != 0 else { return try body() }
        return try self.all[shards.trailingZeroBitCount].lock.withLock { _ throws(StorageError) in
            try self.withLocks(shards & (shards - 1), body)
        }
    }

    /// Runs a body on each table, one after the other, with its lock.
    func visit(_ body: (MemoryTable) -> Void) {
        for shard in self.all {
            shard.lock.withLock { _ in body(shard.table) }
        }
    }

    /// Puts empty tables in the places of all, at once.
    ///
    /// - Returns: The tables that were there.
    func replaceAll() throws(StorageError) -> [MemoryTable] {
        let shards = self.all.count == 64 ? UInt64.max : (1 << UInt64(self.all.count)) - 1
        return try self.withLocks(shards) {
            self.all.map { shard in
                let table = shard.table
                shard.table = MemoryTable(keepsOrder: table.keepsOrder, countsOf: table)
                return table
            }
        }
    }

    /// Removes keys of one shard whose time has passed.
    ///
    /// - Returns: Whether more may be left, because the limit was reached.
    func sweep(_ shard: Int, now: UnixMilliseconds, limit: Int) -> Bool {
        let shard = self.all[shard]
        return shard.lock.withLock { _ in shard.table.sweep(now: now, limit: limit) }
    }
}
