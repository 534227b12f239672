import CSQLite
import NIOCore

/// A prepared statement. It keeps its database open.
final class SQLiteStatement {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        sqlite3_finalize(self.handle)
    }

    /// - Returns: Whether there is a row.
    func step() throws(SQLiteError) -> Bool {
        let code = sqlite3_step(self.handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            self.reset()
            throw SQLiteError(code)
        }
    }

    func reset() {
        sqlite3_reset(self.handle)
    }

    /// Runs a statement without rows.
    func run() throws(SQLiteError) {
        _ = try self.step()
        self.reset()
    }

    func bind(_ number: Int64?, at index: Int32) {
        if let number {
            sqlite3_bind_int64(self.handle, index, number)
        } else {
            sqlite3_bind_null(self.handle, index)
        }
    }

    /// Binds bytes, which must not change until the statement has run.
    func bind(_ bytes: UnsafeRawBufferPointer, at index: Int32) throws(SQLiteError) {
        // Without an address it would be NULL.
        let code =
            bytes.isEmpty
            ? sqlite3_bind_zeroblob(self.handle, index, 0)
            : sqlite3_bind_blob64(self.handle, index, bytes.baseAddress, UInt64(bytes.count), nil)
        guard code == SQLITE_OK else { throw SQLiteError(code) }
    }

    /// The column of a row; 0 for NULL.
    func integer(_ column: Int32) -> Int64 {
        sqlite3_column_int64(self.handle, column)
    }

    func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(self.handle, column) == SQLITE_NULL
    }

    /// A copy of a column of bytes.
    func bytes(_ column: Int32) -> ByteBuffer {
        // In this order: asking for the address may change the length.
        let start = sqlite3_column_blob(self.handle, column)
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return ByteBuffer(bytes: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }
}
