import Glibc

/// The process that has connected to a unix socket, as the system knows it.
package enum PeerProcess {
    /// `struct ucred`.
    private struct Credentials {
        var processID: pid_t = 0
        var userID: uid_t = 0
        var groupID: gid_t = 0
    }

    /// - Returns: `nil` over TCP, and for a process of another PID namespace.
    package static func id(of descriptor: CInt) -> pid_t? {
        var credentials = Credentials()
        var length = socklen_t(MemoryLayout<Credentials>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0, credentials.processID > 0
        else {
            return nil
        }
        return credentials.processID
    }
}
