import Glibc
import NIOCore
import Synchronization

/// The file of one of this process's unix sockets, identified by its inode: another socket may take its path later.
package struct SocketFile: Sendable, Hashable {
    package let path: String
    private let device: dev_t
    private let inode: ino_t
    /// The permissions that the system gave it: all bits except those of the umask.
    private let defaultMode: mode_t

    /// How long to wait for another process to release the directory's lock. A starting server holds it for less than a
    /// millisecond, but any process that may read the directory can hold it for ever.
    private static let patienceMilliseconds = 500
    /// All existing files.
    private static let all = Mutex<Set<SocketFile>>([])

    /// The file of a socket that was just bound.
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

    /// Binds a socket and listens. A socket file without a listener is replaced.
    ///
    /// The directory is locked meanwhile: of two processes that start at the same time, the second finds the first
    /// one's socket listening. The thread blocks while another process holds the lock. If the lock cannot be had, the
    /// socket is bound without it.
    ///
    /// - Parameter mode: The file's permissions, set before clients can connect; `nil` leaves them to the umask.
    /// - Returns: The file, and the reason if the lock could not be had.
    /// - Throws: `EADDRINUSE` if the path has a listener, `EEXIST` if it is not a socket.
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

    /// - Returns: A descriptor that holds the lock until it is closed.
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
        // Only a socket that refuses connections has no listener. One with a full backlog, or one that this process
        // may not use, has one.
        let isRefused = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) } != 0 && errno == ECONNREFUSED
        guard isRefused else {
            throw IOError(errnoCode: EADDRINUSE, reason: "bind")
        }
        unlink(path)
    }

    /// Whether a path leads to this file.
    func isFound(at path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_dev == self.device && status.st_ino == self.inode
    }

    /// Changes the permissions; `nil` restores the original ones.
    package func setMode(_ mode: mode_t?) throws(IOError) {
        if self.isFound(at: self.path), chmod(self.path, mode ?? self.defaultMode) != 0 {
            throw IOError(errnoCode: errno, reason: "chmod")
        }
    }

    /// Removes the file unless its path leads to another file by now. Call it while the socket listens: no other
    /// process replaces the file then.
    package func remove() {
        if self.isFound(at: self.path) {
            unlink(self.path)
        }
        Self.all.withLock { _ = $0.remove(self) }
    }

    /// Removes all existing files, for a process that exits at once.
    package static func removeAll() {
        for file in Self.all.withLock({ $0 }) {
            file.remove()
        }
    }
}
