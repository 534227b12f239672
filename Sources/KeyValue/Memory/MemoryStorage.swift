import NIOCore
import Synchronization

/// The driver `memory`: every request is performed on the calling thread, before `perform` returns.
package final class MemoryStorage: Storage {
    let shards: MemoryShards
    let limits: MemoryLimits
    let now: @Sendable () -> UnixMilliseconds
    let refused = Atomic<Int>(0)
    private let isClosed = Atomic<Bool>(false)
    private let nextSweep: Mutex<MemorySweep>
    private let sweeper = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter now: The real time, by which expiries are judged.
    package init(
        limits: MemoryLimits = MemoryLimits(),
        now: @escaping @Sendable () -> UnixMilliseconds = UnixClock.now
    ) {
        self.limits = limits
        self.now = now
        // A bound of the whole has to look at all keys under one lock, so there is one shard then. 16 threads are more than
        // ever call at once.
        let shards = MemoryShards(
            count: limits.areOfTheWhole ? 1 : 16,
            keepsOrder: limits.areOfTheWhole && limits.eviction == .leastRecentlyUsed
        )
        self.shards = shards
        self.nextSweep = Mutex(MemorySweep(shards: shards))
    }

    package var driver: StorageDriver { .memory }

    package var measures: StorageMeasures {
        var sum = StorageMeasures(
            items: 0, bytes: 0, expired: 0, evicted: 0, refused: self.refused.load(ordering: .relaxed))
        self.shards.visit { table in
            sum.items? += table.count
            sum.bytes? += table.bytes
            sum.expired? += table.expired
            sum.evicted? += table.evicted
        }
        return sum
    }

    package func perform(_ request: StorageRequest, _ completion: @escaping StorageCompletion) {
        do throws(StorageError) {
            let answer = try self.answer(request)
            completion(.success(answer))
        } catch {
            completion(.failure(error))
        }
    }

    /// Starts to remove keys in the background whose time has passed; until ``close()``.
    package func startSweeping() {
        self.sweeper.withLock { task in
            guard task == nil else { return }
            task = Task { [weak self] in
                while !Task.isCancelled, let pause = self?.sweep() {
                    try? await Task.sleep(for: pause)
                }
            }
        }
    }

    /// Removes keys whose time has passed, for 1 ms at most.
    ///
    /// - Returns: How long to pause before the next sweep: a moment if keys were left.
    package func sweep() -> Duration {
        let now = self.now()
        return self.nextSweep.withLock { $0.run(now: now) }
    }

    package func close() async {
        self.isClosed.store(true, ordering: .relaxed)
        let task = self.sweeper.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    private func answer(_ request: StorageRequest) throws(StorageError) -> StorageAnswer {
        try self.checkOpen()
        switch request {
        case .has(let keys): return .existence(try self.look(keys) { _, index in index != nil })
        case .get(let keys): return .values(try self.look(keys, self.value))
        case .timeToLive(let keys): return .expiries(try self.look(keys, self.expiry))
        case .set(let items): return try self.set(items)
        case .add(let items): return .added(try self.add(items))
        case .increment(let increments): return .numbers(try self.increment(increments))
        case .expire(let expiries): return try self.expire(expiries)
        case .delete(let keys): return try self.delete(keys)
        case .clear: return try self.clear()
        }
    }

    func checkOpen() throws(StorageError) {
        guard !self.isClosed.load(ordering: .relaxed) else { throw .closed }
    }

    private func look<Result: Sendable>(
        _ keys: [ByteBuffer],
        _ body: (MemoryTable, UInt32?) -> Result
    ) throws(StorageError) -> [Result] {
        let keys = self.shards.keys(keys)
        let now = self.now()
        return try self.shards.withLocks(of: keys) {
            keys.map { key in
                let table = self.shards.table(of: key)
                return body(table, table.find(key, now: now))
            }
        }
    }

    func value(_ table: MemoryTable, _ index: UInt32?) -> StoredValue? {
        guard let index, let record = table.record(at: index) else { return nil }
        table.touch(index)
        return StoredValue(record)
    }

    private func expiry(_ table: MemoryTable, _ index: UInt32?) -> KeyExpiry {
        guard let index else { return .absent }
        let expiry = table.slab.pointer(to: index).pointee.expiry
        return expiry == .max ? .never : .at(expiry)
    }

    private func expire(_ expiries: [StorageExpiry]) throws(StorageError) -> StorageAnswer {
        let keys = self.shards.keys(expiries.lazy.map(\.key))
        let now = self.now()
        return try self.shards.withLocks(of: keys) {
            for (key, item) in zip(keys, expiries) {
                let table = self.shards.table(of: key)
                guard let index = table.find(key, now: now) else { continue }
                if item.expiry > now {
                    table.setExpiry(item.expiry, at: index)
                } else {
                    table.remove(index)
                }
            }
            return .done
        }
    }

    private func delete(_ keys: [ByteBuffer]) throws(StorageError) -> StorageAnswer {
        let keys = self.shards.keys(keys)
        let now = self.now()
        return try self.shards.withLocks(of: keys) {
            for key in keys {
                let table = self.shards.table(of: key)
                if let index = table.find(key, now: now) {
                    table.remove(index)
                }
            }
            return .done
        }
    }

    /// Empties all at once. The old keys are released in the background: a million of them take a tenth of a second.
    private func clear() throws(StorageError) -> StorageAnswer {
        let old = try self.shards.replaceAll()
        Task.detached(priority: .background) {
            for table in old {
                while table.slab.releaseChunk() {
                    await Task.yield()
                }
            }
        }
        return .done
    }
}
