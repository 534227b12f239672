import CSQLite
import KeyValue

/// A failure that SQLite reports.
struct SQLiteError: Error, Equatable {
    /// Without the bits of the extended code.
    let code: Int32
    let text: String

    init(_ code: Int32) {
        self.code = code & 0xFF
        self.text = String(cString: sqlite3_errstr(code))
    }

    /// Another process has the file.
    var isLocked: Bool { self.code == SQLITE_BUSY || self.code == SQLITE_LOCKED }

    var storageError: StorageError { StorageError("the file failed: \(self.text)") }
}
