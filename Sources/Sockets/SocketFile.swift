import Glibc
import NIOCore
import Synchronization

/// The file of a unix socket that is ours: known by its inode, as others may have the path after us.
package struct SocketFile: Sendable, Hashable {
    package let path: String
    private let device: dev_t
    private let inode: ino_t
    /// What the system gave it: all but the bits of the umask.
    private let defaultMode: mode_t

    /// How long another process that starts may hold the directory: it holds it for less than a millisecond, but whatever
    /// may read the directory can hold it for ever.
    private static let patienceMilliseconds = 500
    /// All that are there.
    private static let all = Mutex<Set<SocketFile>>([])

    /// The file of a socket that was bound just now.
    private init(boundAt path: String) throws(IOError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw IOError(errnoCode: errno, reason: "stat")
        }
        self.path = path
        self.device = status.st_dev
        self.inode = status.st_ino
        self.defaultMode = status.st_mode & 0o777
        let file = self
        Self.all.withLock { _ = $0.insert(file) }
    }

    /// Binds a socket, and listens; the file of one without a listener is replaced.
    ///
    /// A lock on the directory is held meanwhile: of two processes that start at the same time the second one finds the
    /// first one's socket listening, instead of neither yet. When it cannot be had it is done without. The thread is
    /// blocked while another process holds it.
    ///
    /// - Parameter mode: The file's permissions, there before anybody can connect; `nil` for those of the umask.
    /// - Returns: Also why there was no lock.
    /// - Throws: `EADDRINUSE` when there is a listener, `EEXIST` when the path is something else.
    static func listen(
        _ descriptor: CInt,
        at path: String,
        _ address: SocketAddress,
        mode: mode_t?,
        backlog: CInt
    ) throws(IOError) -> (SocketFile, lockFailure: IOError?) {
        let lock = Self.lockDirectory(of: path)
        defer { if case .success(let descriptor) = lock { close(descriptor) } }
        try Self.removeStale(path, address)
        guard address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0 else {
            throw IOError(errnoCode: errno, reason: "bind")
        }
        let file = try SocketFile(boundAt: path)
        do throws(IOError) {
            try file.setMode(mode)
            guard systemListen(descriptor, backlog) == 0 else {
                throw IOError(errnoCode: errno, reason: "listen")
            }
        } catch {
            file.remove()
            throw error
        }
        guard case .failure(let error) = lock else {
            return (file, nil)
        }
        return (file, error)
    }

    /// - Returns: What holds the lock until it is closed.
    private static func lockDirectory(of path: String) -> Result<CInt, IOError> {
        var directory = "."
        if let slash = path.lastIndex(of: "/") {
            directory = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            return .failure(IOError(errnoCode: errno, reason: "open"))
        }
        var rest = Self.patienceMilliseconds
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK, rest > 0 else {
                let error = IOError(errnoCode: errno, reason: "flock")
                close(descriptor)
                return .failure(error)
            }
            rest -= 10
            usleep(10_000)
        }
        return .success(descriptor)
    }

    private static func removeStale(_ path: String, _ address: SocketAddress) throws(IOError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw IOError(errnoCode: EEXIST, reason: "the path is not a socket")
        }
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else {
            throw IOError(errnoCode: errno, reason: "socket")
        }
        defer { close(descriptor) }
        // Only a socket that refuses has no listener; one that has a full backlog, or is not ours to use, has one.
        let isRefused = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) } != 0 && errno == ECONNREFUSED
        guard isRefused else {
            throw IOError(errnoCode: EADDRINUSE, reason: "bind")
        }
        unlink(path)
    }

    /// Whether a path leads to it.
    func isFound(at path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_dev == self.device && status.st_ino == self.inode
    }

    /// Changes its permissions; `nil` gives it those that it had at first.
    package func setMode(_ mode: mode_t?) throws(IOError) {
        if self.isFound(at: self.path), chmod(self.path, mode ?? self.defaultMode) != 0 {
            throw IOError(errnoCode: errno, reason: "chmod")
        }
    }

    /// Removes it, unless the path is another's by now. To be called while its socket listens: it is not replaced then.
    package func remove() {
        if self.isFound(at: self.path) {
            unlink(self.path)
        }
        Self.all.withLock { _ = $0.remove(self) }
    }

    /// Removes all that are there, for a process that leaves at once.
    package static func removeAll() {
        for file in Self.all.withLock({ $0 }) {
            file.remove()
        }
    }
}
