import KeyValue
import Synchronization

/// The open file, and how requests become transactions. Used on one queue, but for its counts.
final class FileStorageWorker: @unchecked Sendable {
    /// Answers wait for the end of their transaction; beyond so many bytes of them it ends.
    private static let bytesAtOnce = 16 << 20

    private let path: String
    private let now: @Sendable () -> UnixMilliseconds
    /// `nil` after ``close()``, as the next.
    private var file: StorageFile?
    private var items: ItemTable?

    private let count = Atomic<Int>(0)
    private let expired = Atomic<Int>(0)

    init(_ configuration: FileStorageConfiguration, now: @escaping @Sendable () -> UnixMilliseconds) throws {
        let file = try StorageFile(configuration)
        self.path = configuration.path
        self.now = now
        self.file = file
        self.items = try ItemTable(file.database)
        self.updateCounts()
    }

    var measures: StorageMeasures {
        StorageMeasures(
            items: self.count.load(ordering: .relaxed), bytes: StorageFile.byteCount(self.path),
            expired: self.expired.load(ordering: .relaxed))
    }

    /// Performs requests in one transaction: as many as there is room for their answers, and one at least. If the file fails,
    /// each is done in its own: then those that only read still succeed.
    ///
    /// - Returns: The results of the first ones.
    func perform(_ requests: ArraySlice<StorageRequest>) -> [Result<StorageAnswer, StorageError>] {
        defer { self.updateCounts() }
        do throws(StorageError) {
            return try self.transaction { items in
                try self.performFirst(requests) { try self.perform($0, items) }
            }
        } catch {
            guard requests.count > 1 else { return [.failure(error)] }
            return self.performFirst(requests) { request in
                do throws(StorageError) {
                    return try self.transaction { items in try self.perform(request, items) }
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private func performFirst(
        _ requests: ArraySlice<StorageRequest>,
        _ perform: (StorageRequest) throws -> Result<StorageAnswer, StorageError>
    ) rethrows -> [Result<StorageAnswer, StorageError>] {
        var results: [Result<StorageAnswer, StorageError>] = []
        var bytes = 0
        for request in requests where bytes <= Self.bytesAtOnce {
            let result = try perform(request)
            bytes += (try? result.get().byteCount) ?? 0
            results.append(result)
        }
        return results
    }

    /// Removes some of the keys whose time has passed.
    ///
    /// - Returns: Whether more may be left.
    func sweep() -> Bool {
        let limit = 500
        defer { self.updateCounts() }
        let removed = try? self.transaction { items in try items.sweep(now: self.now(), limit: limit) }
        self.expired.add(removed ?? 0, ordering: .relaxed)
        return removed == limit
    }

    func close() {
        self.items = nil
        self.file = nil
    }

    /// - Throws: `SQLiteError`: the whole transaction is to be undone.
    private func perform(_ request: StorageRequest, _ items: ItemTable) throws -> Result<StorageAnswer, StorageError> {
        // Of all requests only this one may fail in the middle and leave the others alone.
        guard case .increment(let increments) = request, increments.count > 1 else {
            do {
                return .success(try items.perform(request, now: self.now()))
            } catch let error as StorageError {
                return .failure(error)
            }
        }
        let count = items.count
        try items.database.run("SAVEPOINT request")
        do {
            let answer = try items.perform(request, now: self.now())
            try items.database.run("RELEASE request")
            return .success(answer)
        } catch let error as StorageError {
            try items.database.run("ROLLBACK TO request; RELEASE request")
            items.restore(count: count)
            return .failure(error)
        }
    }

    private func transaction<Result>(_ body: (ItemTable) throws -> Result) throws(StorageError) -> Result {
        guard let items = self.items else { throw .closed }
        let count = items.count
        do {
            try items.database.run("BEGIN")
            let result = try body(items)
            try items.database.run("COMMIT")
            return result
        } catch {
            // SQLite has undone it itself after some failures.
            try? items.database.run("ROLLBACK")
            items.restore(count: count)
            throw (error as? SQLiteError)?.storageError ?? StorageError("the file failed")
        }
    }

    private func updateCounts() {
        self.count.store(self.items?.count ?? 0, ordering: .relaxed)
    }
}
