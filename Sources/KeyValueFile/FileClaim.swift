import Glibc
import Synchronization

/// The files that this process has open as storages. Another opening in the same process would not see their locks, and its
/// end would drop them: that is how POSIX has it.
final class FileClaim: Sendable {
    private struct Identity: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    private static let taken = Mutex<Set<Identity>>([])

    private let identity: Identity

    /// - Throws: If this process has the file already.
    init(_ path: String) throws(FileStorageError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw FileStorageError("\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        let identity = Identity(device: status.st_dev, inode: status.st_ino)
        guard Self.taken.withLock({ $0.insert(identity).inserted }) else {
            throw FileStorageError("\(path) is the file of another storage of this service")
        }
        self.identity = identity
    }

    deinit {
        _ = Self.taken.withLock { $0.remove(self.identity) }
    }
}
