import CSQLite

/// An open database. Only one thread at a time may use it, and its statements.
final class SQLiteDatabase {
    /// `nil` after ``close()``, which SQLite takes for misuse and refuses.
    private var handle: OpaquePointer?

    /// Opens a file that exists. An empty one becomes a database.
    init(path: String) throws(SQLiteError) {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            sqlite3_close_v2(handle)
            throw SQLiteError(code == SQLITE_OK ? SQLITE_NOMEM : code)
        }
        sqlite3_extended_result_codes(handle, 1)
        self.handle = handle
    }

    deinit {
        self.close()
    }

    /// Closes the file as soon as its statements are gone.
    func close() {
        sqlite3_close_v2(self.handle)
        self.handle = nil
    }

    /// Rows that the last statement changed.
    var changes: Int {
        self.handle.map { Int(sqlite3_changes($0)) } ?? 0
    }

    func setBusyTimeout(milliseconds: Int32) {
        sqlite3_busy_timeout(self.handle, milliseconds)
    }

    func run(_ sql: String) throws(SQLiteError) {
        guard let handle = self.handle else { throw SQLiteError(SQLITE_MISUSE) }
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw SQLiteError(code) }
    }

    /// The first number of the first row; `nil` without a row.
    func number(_ sql: String) throws(SQLiteError) -> Int64? {
        let statement = try self.statement(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.integer(0) : nil
    }

    func statement(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        guard let handle = self.handle else { throw SQLiteError(SQLITE_MISUSE) }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw SQLiteError(code == SQLITE_OK ? SQLITE_MISUSE : code) }
        return SQLiteStatement(statement)
    }
}
