import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The files of unix sockets, which outlive who listens on them.
public enum SocketFile {
    /// Removes the file of a socket that nobody listens on any more, if there is one.
    ///
    /// - Throws: `EADDRINUSE` when somebody listens on it, `EEXIST` when the path is something else, or why the path
    ///   cannot be the address of a socket.
    public static func removeStale(_ path: String) throws {
        let address = try SocketAddress(unixDomainSocketPath: path)
        var status = stat()
        guard lstat(path, &status) == 0 else {
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw IOError(errnoCode: EEXIST, reason: "the path is not a socket")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else {
            throw IOError(errnoCode: errno, reason: "socket")
        }
        defer { close(descriptor) }
        // Only a socket that refuses is nobody's; one that has a full backlog, or is not ours to use, is somebody's.
        let isRefused = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) } != 0 && errno == ECONNREFUSED
        guard isRefused else {
            throw IOError(errnoCode: EADDRINUSE, reason: "bind")
        }
        unlink(path)
    }

    /// Removes the file of a socket of our own.
    public static func remove(_ path: String) {
        unlink(path)
    }
}
