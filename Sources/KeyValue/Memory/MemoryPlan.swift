import NIOCore

/// What a request will write, one write a key: worked out, and checked, before any of it takes effect.
struct MemoryPlan {
    struct Write {
        let key: MemoryKey
        /// `nil` deletes the key.
        let record: MemoryRecord?
        /// `Int64.max` for none.
        let expiry: UnixMilliseconds
    }

    /// What a key holds, as far as the request has got.
    typealias Current = (record: MemoryRecord, expiry: UnixMilliseconds)

    private(set) var writes: [Write] = []
    /// Where the write of a key is; `nil` for a request of one item, which cannot name a key twice.
    private var places: [ByteBuffer: Int]?

    init(itemCount: Int) {
        self.places = itemCount > 1 ? [:] : nil
    }

    mutating func append(_ write: Write) {
        guard let place = self.places?[write.key.bytes] else {
            self.places?[write.key.bytes] = self.writes.count
            self.writes.append(write)
            return
        }
        self.writes[place] = write
    }

    func current(_ key: MemoryKey, in table: MemoryTable, now: UnixMilliseconds) -> Current? {
        if let place = self.places?[key.bytes] {
            let write = self.writes[place]
            return write.record.map { ($0, write.expiry) }
        }
        guard let index = table.find(key, now: now), let record = table.record(at: index) else { return nil }
        return (record, table.slab.pointer(to: index).pointee.expiry)
    }
}
