import NIOCore
import Synchronization

extension MemoryStorage {
    func set(_ items: [StorageItem]) throws(StorageError) -> StorageAnswer {
        let keys = self.shards.keys(items.lazy.map(\.key))
        let records = try self.records(items)
        let now = self.now()
        return try self.shards.withLocks(of: keys) { () throws(StorageError) in
            var plan = MemoryPlan(itemCount: items.count)
            for index in items.indices {
                let expiry = items[index].expiry ?? .max
                plan.append(.init(key: keys[index], record: expiry > now ? records[index] : nil, expiry: expiry))
            }
            try self.carryOut(plan, now: now)
            return .done
        }
    }

    func add(_ items: [StorageItem]) throws(StorageError) -> [Bool] {
        let keys = self.shards.keys(items.lazy.map(\.key))
        let records = try self.records(items)
        let now = self.now()
        return try self.shards.withLocks(of: keys) { () throws(StorageError) in
            var plan = MemoryPlan(itemCount: items.count)
            let added = items.indices.map { index in
                guard plan.current(keys[index], in: self.shards.table(of: keys[index]), now: now) == nil else {
                    return false
                }
                let expiry = items[index].expiry ?? .max
                plan.append(.init(key: keys[index], record: expiry > now ? records[index] : nil, expiry: expiry))
                return true
            }
            try self.carryOut(plan, now: now)
            return added
        }
    }

    func increment(_ increments: [StorageIncrement]) throws(StorageError) -> [Int64] {
        let keys = self.shards.keys(increments.lazy.map(\.key))
        let now = self.now()
        return try self.shards.withLocks(of: keys) { () throws(StorageError) in
            var plan = MemoryPlan(itemCount: increments.count)
            var numbers: [Int64] = []
            for (key, increment) in zip(keys, increments) {
                let current = plan.current(key, in: self.shards.table(of: key), now: now)
                let number = try Self.sum(current?.record, increment.amount)
                let expiry = current?.expiry ?? increment.expiry ?? .max
                let text = ByteBuffer(string: StoredInteger.text(number))
                let record = expiry > now ? MemoryRecord(key: key.bytes, value: text) : nil
                plan.append(.init(key: key, record: record, expiry: expiry))
                numbers.append(number)
            }
            try self.carryOut(plan, now: now)
            return numbers
        }
    }

    private static func sum(_ record: MemoryRecord?, _ amount: Int64) throws(StorageError) -> Int64 {
        guard let record else { return amount }
        guard let number = record.withValue({ StoredInteger.parse($0) }) else { throw .notAnInteger }
        let (sum, overflow) = number.addingReportingOverflow(amount)
        guard !overflow else { throw .integerOverflow }
        return sum
    }

    /// Copies keys and values, before a lock is taken.
    private func records(_ items: [StorageItem]) throws(StorageError) -> [MemoryRecord] {
        var records: [MemoryRecord] = []
        records.reserveCapacity(items.count)
        for item in items {
            if let limit = self.limits.valueBytes, item.value.readableBytes > limit {
                throw self.refusal("a value has \(item.value.readableBytes) bytes, max_value_size allows \(limit)")
            }
            guard let record = MemoryRecord(key: item.key, value: item.value) else {
                throw self.refusal("a key or value has 4 GiB or more")
            }
            records.append(record)
        }
        return records
    }

    private func carryOut(_ plan: MemoryPlan, now: UnixMilliseconds) throws(StorageError) {
        if self.limits.areOfTheWhole, let first = plan.writes.first {
            try self.makeRoom(for: plan, in: self.shards.table(of: first.key), now: now)
        }
        for write in plan.writes {
            let table = self.shards.table(of: write.key)
            let index = table.find(write.key, now: now)
            if let record = write.record {
                table.set(record, write.key.hash, at: index, expiry: write.expiry)
            } else if let index {
                table.remove(index)
            }
        }
    }

    private func makeRoom(for plan: MemoryPlan, in table: MemoryTable, now: UnixMilliseconds) throws(StorageError) {
        // What the keys of the request take after it, and now.
        var (items, bytes, oldItems, oldBytes) = (0, 0, 0, 0)
        for write in plan.writes {
            if let record = write.record {
                items += 1
                bytes += record.count + MemoryTable.overhead
            }
            if let index = table.find(write.key, now: now) {
                oldItems += 1
                oldBytes += table.cost(of: index)
            }
        }
        guard self.limits.allow(items: items, bytes: bytes) else { throw self.noRoom(items: items) }
        if table.keepsOrder {
            // So that none of them is the oldest while another key is left.
            for write in plan.writes {
                if let index = table.find(write.key, now: now) {
                    table.touch(index)
                }
            }
        }
        func isRoom() -> Bool {
            self.limits.allow(items: table.count + items - oldItems, bytes: table.bytes + bytes - oldBytes)
        }
        while !isRoom() {
            let count = table.count
            _ = table.sweep(now: now, limit: 64)
            if table.count < count { continue }
            guard table.keepsOrder else { throw self.noRoom(items: table.count + items - oldItems) }
            table.evict()
        }
    }

    private func noRoom(items: Int) -> StorageError {
        if let limit = self.limits.items, items > limit {
            return self.refusal("the storage is full, max_items allows \(limit)")
        }
        return self.refusal("the storage is full, max_memory allows \(self.limits.bytes ?? .max) bytes")
    }

    private func refusal(_ text: String) -> StorageError {
        self.refused.add(1, ordering: .relaxed)
        return StorageError(text)
    }
}
