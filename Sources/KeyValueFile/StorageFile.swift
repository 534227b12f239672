import Glibc

/// The open file of a storage. One that belongs to another program is refused before anything touches it.
final class StorageFile {
    /// "rrkv"
    private static let applicationID: Int64 = 0x7272_6B76
    private static let version: Int64 = 1

    let database: SQLiteDatabase
    private let claim: FileClaim

    /// - Throws: `FileStorageError`.
    init(_ configuration: FileStorageConfiguration) throws {
        let path = configuration.path
        try Self.create(path, permissions: configuration.permissions)
        self.claim = try FileClaim(path)
        try Self.examine(path)
        do {
            self.database = try SQLiteDatabase(path: path)
            try Self.configure(self.database, path, configuration)
        } catch let error as SQLiteError where error.isLocked {
            throw FileStorageError("\(path) is in use by another process: the file of a storage belongs to one server")
        } catch let error as SQLiteError {
            throw FileStorageError("\(path) cannot be opened as a storage: \(error.text)")
        }
    }

    deinit {
        // Before the claim on the file ends.
        self.database.close()
    }

    /// Of the file, and of what is written beside it before it gets there.
    static func byteCount(_ path: String) -> Int {
        [path, path + "-wal"].reduce(0) { sum, path in
            var status = stat()
            return sum + (stat(path, &status) == 0 ? Int(status.st_size) : 0)
        }
    }

    /// Makes an empty file if there is none.
    private static func create(_ path: String, permissions: UInt32) throws(FileStorageError) {
        let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = open(path, flags, mode_t(permissions & 0o777))
        guard descriptor < 0 else {
            close(descriptor)
            return
        }
        guard errno == EEXIST else {
            throw FileStorageError("\(path) cannot be created: \(String(cString: strerror(errno)))")
        }
    }

    /// Reads the first bytes of the file.
    private static func examine(_ path: String) throws(FileStorageError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw FileStorageError("\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileStorageError("\(path) is not a regular file")
        }
        var head = [UInt8](repeating: 0, count: 64)
        guard pread(descriptor, &head, head.count, 0) > 0 else { return }
        // A page of bbolt: its header of 16 bytes, then the number 0xED0CDAED in the order of the machine.
        guard ![[0xED, 0xDA, 0x0C, 0xED], [0xED, 0x0C, 0xDA, 0xED]].contains(Array(head[16..<20])) else {
            throw FileStorageError(
                "\(path) is a bbolt database of RoadRunner and is left as it is: name another file, or move this one away "
                    + "to begin with an empty storage")
        }
        guard head.starts(with: Array("SQLite format 3\0".utf8)) else { throw Self.foreign(path) }
    }

    private static func foreign(_ path: String) -> FileStorageError {
        FileStorageError("\(path) is not a storage of this service and is left as it is: name another file")
    }

    private static func configure(
        _ database: SQLiteDatabase, _ path: String, _ configuration: FileStorageConfiguration
    ) throws {
        // A server that ends may still have it for a moment.
        database.setBusyTimeout(milliseconds: 1000)
        // First of all: so the lock is kept until the end, and there is no file of shared memory.
        try database.run("PRAGMA locking_mode = EXCLUSIVE")
        let owner = try database.number("PRAGMA application_id") ?? 0
        let isEmpty = try database.number("SELECT count(*) FROM sqlite_schema") == 0
        guard owner == Self.applicationID || owner == 0 && isEmpty else { throw Self.foreign(path) }
        guard try database.number("PRAGMA user_version") ?? 0 <= Self.version else {
            throw FileStorageError("\(path) was written by a later version of this service")
        }
        try database.run("PRAGMA journal_mode = WAL")
        try database.run("PRAGMA synchronous = \(configuration.syncs ? "FULL" : "NORMAL")")
        try database.run("PRAGMA journal_size_limit = \(64 << 20)")
        try database.run("PRAGMA secure_delete = OFF")
        try database.run("PRAGMA temp_store = MEMORY")
        try database.run(
            """
            BEGIN EXCLUSIVE;
            PRAGMA application_id = \(Self.applicationID);
            PRAGMA user_version = \(Self.version);
            CREATE TABLE IF NOT EXISTS items (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL, expiry INTEGER) STRICT;
            CREATE INDEX IF NOT EXISTS items_expiry ON items (expiry) WHERE expiry IS NOT NULL;
            COMMIT;
            """)
    }
}
