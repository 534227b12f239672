import Glibc
import NIOCore
import Platform
import Sockets

/// The process at the other end of a relay's connection, as reported by the system instead of the connection itself.
struct RelayPeer {
    enum Verdict: Equatable {
        case belongs
        /// The other end is not one of the worker's processes; with the reason, for the log.
        case stranger(String)
        /// The other end is unknown; with a remedy, for the log.
        case unknown(String)
    }

    let descriptor: CInt

    /// Whether the other end is held by a worker: its process, a process of its group, or a descendant of it.
    ///
    /// - Parameters:
    ///   - worker: The process that was started.
    ///   - claimed: The process that the other end claims to be, which descends from the worker.
    func belongs(to worker: pid_t, claimed: pid_t) -> Verdict {
        guard let local = try? SocketAddress.local(of: self.descriptor) else {
            guard let process = PeerProcess.id(of: self.descriptor) else {
                return .stranger("who has connected cannot be told")
            }
            let isWorker = ProcessLineage(of: process).processes.contains(worker)
            return isWorker ? .belongs : .stranger("process \(process) is none of the worker's")
        }
        guard let remote = try? SocketAddress.remote(of: self.descriptor),
            let inode = TCPSocketTable.inode(of: .init(remote), connectedTo: .init(local))
        else {
            return .stranger("it comes from another machine or network namespace")
        }
        return self.holder(of: inode, worker, claimed)
    }

    /// Looks for a socket among the descriptors of a worker's processes.
    private func holder(of inode: String, _ worker: pid_t, _ claimed: pid_t) -> Verdict {
        var unreadable: pid_t?
        let files = ProcessFiles()
        for process in [claimed, worker] + files.processes().filter({ getpgid($0) == worker }) {
            switch files.holds(process, "socket:[\(inode)]") {
            case true?:
                // Checked after reading its descriptors: if it had ended before, its id could be reused by now.
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
}

extension TCPSocketTable.End {
    init(_ address: SocketAddress) {
        let words: [UInt32] = address.withSockAddr { pointer, _ in
            switch address {
            // The address follows family and port, and for IPv6 the flow label.
            case .v4: Self.words(UnsafeRawPointer(pointer) + 4, count: 1)
            case .v6: Self.words(UnsafeRawPointer(pointer) + 8, count: 4)
            case .unixDomainSocket: [UInt32]()
            }
        }
        self.init(words: words, port: address.port ?? 0)
    }

    private static func words(_ bytes: UnsafeRawPointer, count: Int) -> [UInt32] {
        (0..<count).map { bytes.load(fromByteOffset: 4 * $0, as: UInt32.self) }
    }
}
