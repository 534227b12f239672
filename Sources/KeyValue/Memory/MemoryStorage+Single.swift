import Synchronization

/// The two requests that make up nearly all calls, for one key, without what requests cost that name many: a list of buffers each
/// way, and a count of references for each copy of one.
extension MemoryStorage {
    /// What ``StorageRequest/get(_:)`` answers for one key.
    package func value(of key: UnsafeRawBufferPointer) throws(StorageError) -> StoredValue? {
        try self.checkOpen()
        let hash = MemoryHash(key, shards: self.shards.count)
        let now = self.now()
        return self.shards.withTable(of: hash) { table in self.value(table, table.find(key, hash, now: now)) }
    }

    /// Does what ``StorageRequest/set(_:)`` does with one item.
    ///
    /// - Returns: `false` if it has to be a request: a bound needs a look at other keys.
    package func set(
        _ key: UnsafeRawBufferPointer, to value: UnsafeRawBufferPointer, expiry: UnixMilliseconds?
    ) throws(StorageError) -> Bool {
        try self.checkOpen()
        guard !self.limits.areOfTheWhole, value.count <= self.limits.valueBytes ?? .max,
            let record = MemoryRecord(key: key, value: value)
        else { return false }
        let hash = MemoryHash(key, shards: self.shards.count)
        let now = self.now()
        self.shards.withTable(of: hash) { table in
            let index = table.find(key, hash, now: now)
            if expiry ?? .max > now {
                table.set(record, hash, at: index, expiry: expiry ?? .max)
            } else if let index {
                table.remove(index)
            }
        }
        return true
    }
}
