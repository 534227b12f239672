import CSQLite
import KeyValue
import NIOCore

/// The items in the database, and what requests do with them. Used by one thread at a time, inside of a transaction.
final class ItemTable {
    let database: SQLiteDatabase
    private let select: SQLiteStatement
    private let selectExpiry: SQLiteStatement
    private let update: SQLiteStatement
    private let insert: SQLiteStatement
    private let updateExpiry: SQLiteStatement
    private let remove: SQLiteStatement
    private let removeExpired: SQLiteStatement

    /// Items in the file, those whose time has passed included.
    private(set) var count: Int

    init(_ database: SQLiteDatabase) throws(SQLiteError) {
        let isAlive = "(expiry IS NULL OR expiry > ?2)"
        self.database = database
        self.select = try database.statement("SELECT value, expiry FROM items WHERE key = ?1 AND \(isAlive)")
        self.selectExpiry = try database.statement("SELECT expiry FROM items WHERE key = ?1 AND \(isAlive)")
        self.update = try database.statement("UPDATE items SET value = ?2, expiry = ?3 WHERE key = ?1")
        self.insert = try database.statement("INSERT INTO items (key, value, expiry) VALUES (?1, ?2, ?3)")
        self.updateExpiry = try database.statement("UPDATE items SET expiry = ?3 WHERE key = ?1 AND \(isAlive)")
        self.remove = try database.statement("DELETE FROM items WHERE key = ?1")
        self.removeExpired = try database.statement(
            "DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expiry <= ?1 LIMIT ?2)")
        self.count = Int(try database.number("SELECT count(*) FROM items") ?? 0)
    }

    /// - Throws: `SQLiteError` or `StorageError`; the request may have had a part of its effect then.
    func perform(_ request: StorageRequest, now: UnixMilliseconds) throws -> StorageAnswer {
        switch request {
        case .has(let keys): return .existence(try keys.map { try self.expiry(of: $0, now) != .absent })
        case .get(let keys): return .values(try self.values(of: keys, now))
        case .timeToLive(let keys): return .expiries(try keys.map { try self.expiry(of: $0, now) })
        case .set(let items):
            for item in items { try self.set(item, now) }
            return .done
        case .add(let items): return .added(try items.map { try self.add($0, now) })
        case .increment(let increments): return .numbers(try increments.map { try self.increment($0, now) })
        case .expire(let expiries):
            for item in expiries { try self.expire(item, now) }
            return .done
        case .delete(let keys):
            for key in keys { try self.delete(key) }
            return .done
        case .clear:
            try self.database.run("DELETE FROM items")
            self.count = 0
            return .done
        }
    }

    /// - Returns: How many were removed, the limit at most.
    func sweep(now: UnixMilliseconds, limit: Int) throws(SQLiteError) -> Int {
        self.removeExpired.bind(now, at: 1)
        self.removeExpired.bind(Int64(limit), at: 2)
        try self.removeExpired.run()
        let removed = self.database.changes
        self.count -= removed
        return removed
    }

    /// A transaction was undone.
    func restore(count: Int) {
        self.count = count
    }

    private func values(of keys: [ByteBuffer], _ now: UnixMilliseconds) throws -> [StoredValue?] {
        var rest = StorageAnswer.byteLimit
        return try keys.map { key in
            guard let item = try self.item(key, now) else { return nil }
            rest -= item.value.readableBytes
            guard rest >= 0 else { throw StorageError.answerTooLarge }
            return StoredValue(item.value)
        }
    }

    private func item(_ key: ByteBuffer, _ now: UnixMilliseconds) throws -> StorageItem? {
        try key.withUnsafeReadableBytes { bytes in
            try self.select.bind(bytes, at: 1)
            self.select.bind(now, at: 2)
            defer { self.select.reset() }
            guard try self.select.step() else { return nil }
            let expiry = self.select.isNull(1) ? nil : self.select.integer(1)
            return StorageItem(key: key, value: self.select.bytes(0), expiry: expiry)
        }
    }

    private func expiry(of key: ByteBuffer, _ now: UnixMilliseconds) throws -> KeyExpiry {
        try key.withUnsafeReadableBytes { bytes in
            try self.selectExpiry.bind(bytes, at: 1)
            self.selectExpiry.bind(now, at: 2)
            defer { self.selectExpiry.reset() }
            guard try self.selectExpiry.step() else { return .absent }
            return self.selectExpiry.isNull(0) ? .never : .at(self.selectExpiry.integer(0))
        }
    }

    private func set(_ item: StorageItem, _ now: UnixMilliseconds) throws {
        guard item.expiry ?? .max > now else { return try self.delete(item.key) }
        try item.key.withUnsafeReadableBytes { key in
            try item.value.withUnsafeReadableBytes { value in
                try self.write(self.update, key, value, item.expiry)
                guard self.database.changes == 0 else { return }
                try self.write(self.insert, key, value, item.expiry)
                self.count += 1
            }
        }
    }

    private func write(
        _ statement: SQLiteStatement, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer,
        _ expiry: UnixMilliseconds?
    ) throws(SQLiteError) {
        try statement.bind(key, at: 1)
        try statement.bind(value, at: 2)
        statement.bind(expiry, at: 3)
        try statement.run()
    }

    private func add(_ item: StorageItem, _ now: UnixMilliseconds) throws -> Bool {
        guard try self.expiry(of: item.key, now) == .absent else { return false }
        try self.set(item, now)
        return true
    }

    private func increment(_ increment: StorageIncrement, _ now: UnixMilliseconds) throws -> Int64 {
        let item = try self.item(increment.key, now)
        guard let old = item.map({ StoredInteger.parse($0.value.readableBytesView) }) ?? 0 else {
            throw StorageError.notAnInteger
        }
        let (number, overflow) = old.addingReportingOverflow(increment.amount)
        guard !overflow else { throw StorageError.integerOverflow }
        let value = ByteBuffer(string: StoredInteger.text(number))
        let expiry = item == nil ? increment.expiry : item?.expiry
        try self.set(StorageItem(key: increment.key, value: value, expiry: expiry), now)
        return number
    }

    private func expire(_ item: StorageExpiry, _ now: UnixMilliseconds) throws {
        guard item.expiry > now else { return try self.delete(item.key) }
        try item.key.withUnsafeReadableBytes { key in
            try self.updateExpiry.bind(key, at: 1)
            self.updateExpiry.bind(now, at: 2)
            self.updateExpiry.bind(item.expiry, at: 3)
            try self.updateExpiry.run()
        }
    }

    private func delete(_ key: ByteBuffer) throws {
        try key.withUnsafeReadableBytes { bytes in
            try self.remove.bind(bytes, at: 1)
            try self.remove.run()
        }
        self.count -= self.database.changes
    }
}
