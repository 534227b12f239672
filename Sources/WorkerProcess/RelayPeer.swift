import Glibc
import NIOCore
import Sockets

/// Who is at the other end of a relay's connection, by what the system says and not by what is said over it.
struct RelayPeer {
    enum Verdict: Equatable {
        case belongs
        /// It is none of the worker's processes; why, for the log.
        case stranger(String)
        /// It cannot be told; what to do, for the log.
        case unknown(String)
    }

    /// `struct ucred`.
    private struct Credentials {
        var pid: pid_t = 0
        var userID: uid_t = 0
        var groupID: gid_t = 0
    }

    let descriptor: CInt

    /// Whether the other end is held by a worker: its process, a process of its group, or a descendant of it.
    ///
    /// - Parameters:
    ///   - worker: The process that was started.
    ///   - claimed: The process that the other end says it is, which descends from the worker.
    func belongs(to worker: pid_t, claimed: pid_t) -> Verdict {
        var credentials = Credentials()
        var length = socklen_t(MemoryLayout<Credentials>.size)
        guard let local = try? SocketAddress.local(of: self.descriptor) else {
            guard getsockopt(self.descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
                return .stranger("who has connected cannot be told")
            }
            let isWorker = ProcessLineage(of: credentials.pid).processes.contains(worker)
            return isWorker ? .belongs : .stranger("process \(credentials.pid) is none of the worker's")
        }
        guard let remote = try? SocketAddress.remote(of: self.descriptor),
            let inode = TCPSocketTable.inode(of: remote, connectedTo: local)
        else {
            return .stranger("it comes from another machine or network namespace")
        }
        return self.holder(of: inode, worker, claimed)
    }

    /// Looks for a socket among the descriptors of a worker's processes.
    private func holder(of inode: String, _ worker: pid_t, _ claimed: pid_t) -> Verdict {
        var unreadable: pid_t?
        for process in [claimed, worker] + Self.processes(ofGroup: worker) {
            switch Self.holds(process, "socket:[\(inode)]") {
            case true?:
                // Looked at after its descriptors: had it ended before, another could have its number now.
                if ProcessLineage(of: process).processes.contains(worker) {
                    return .belongs
                }
            case false?:
                break
            case nil:
                unreadable = process
            }
        }
        guard let unreadable else {
            return .stranger("no process of the worker has this connection")
        }
        return .unknown(
            "/proc/\(unreadable)/fd cannot be read (the worker runs as another user, and rr has no CAP_SYS_PTRACE; or "
                + "/proc is mounted with hidepid): use `server.relay: unix://…` or `pipes`"
        )
    }

    /// - Returns: `nil` when the process is there, and its descriptors cannot be read.
    private static func holds(_ process: pid_t, _ target: String) -> Bool? {
        let path = "/proc/\(process)/fd"
        guard let directory = opendir(path) else {
            return getpgid(process) > 0 ? nil : false
        }
        defer { closedir(directory) }
        let wanted = Array(target.utf8)
        return withUnsafeTemporaryAllocation(byteCount: wanted.count + 1, alignment: 1) { buffer in
            while let entry = readdir(directory) {
                let count = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                    readlinkat(
                        dirfd(directory),
                        name.assumingMemoryBound(to: CChar.self).baseAddress!,
                        buffer.assumingMemoryBound(to: CChar.self).baseAddress!,
                        buffer.count
                    )
                }
                if count == wanted.count, buffer[..<count].elementsEqual(wanted) {
                    return true
                }
                // Root lists them by its own right, and reads them by that to trace.
                if count < 0, errno == EACCES || errno == EPERM {
                    return nil
                }
            }
            return false
        }
    }

    private static func processes(ofGroup group: pid_t) -> [pid_t] {
        guard let directory = opendir("/proc") else {
            return []
        }
        defer { closedir(directory) }
        var processes: [pid_t] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = pid_t(name), getpgid(pid) == group {
                processes.append(pid)
            }
        }
        return processes
    }
}
