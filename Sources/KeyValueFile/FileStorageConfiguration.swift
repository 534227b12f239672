/// Where a storage keeps its keys, and how.
package struct FileStorageConfiguration: Sendable, Hashable {
    /// Absolute.
    package var path: String
    /// Of a new file; the process's mask is taken from it.
    package var permissions: UInt32
    /// Whether a call is answered only after the disk has its change: else a loss of power, though not the end of the
    /// process, may undo the last seconds.
    package var syncs: Bool
    /// Between two searches for keys whose time has passed; they are never answered with, however long they stay.
    package var sweepInterval: Duration

    package init(
        path: String, permissions: UInt32 = 0o755, syncs: Bool = true, sweepInterval: Duration = .seconds(60)
    ) {
        self.path = path
        self.permissions = permissions
        self.syncs = syncs
        self.sweepInterval = sweepInterval
    }
}

/// Why a file cannot be a storage.
package struct FileStorageError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}
