import Glibc

/// TCP keep-alive: the probes by which the system notices a peer that is gone. Connections inherit it.
package struct KeepAlive: Sendable, Hashable {
    /// Seconds of silence before the first probe, 1…32767; 0 sends none.
    package var idle: CInt
    /// Seconds between probes, 1…32767.
    package var interval: CInt
    /// Unanswered probes after which the peer is gone, 1…127; 0: as the system has it for new sockets, 9 mostly.
    package var count: CInt

    /// As in Go by default.
    package init(idle: CInt = 15, interval: CInt = 15, count: CInt = 0) {
        self.idle = idle
        self.interval = interval
        self.count = count
    }

    /// Options of a socket, with their levels and values.
    var options: [(level: CInt, option: CInt, value: CInt)] {
        guard self.idle > 0 else {
            return [(SOL_SOCKET, SO_KEEPALIVE, 0)]
        }
        let tcp = CInt(IPPROTO_TCP)
        let count = self.count > 0 ? self.count : Self.systemCount
        return [
            (SOL_SOCKET, SO_KEEPALIVE, 1), (tcp, TCP_KEEPIDLE, self.idle), (tcp, TCP_KEEPINTVL, self.interval),
        ] + (count > 0 ? [(tcp, TCP_KEEPCNT, count)] : [])
    }

    /// What a new socket has: one that had another count gets it back. 0 if there is no descriptor to ask.
    private static var systemCount: CInt {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            return 0
        }
        defer { close(descriptor) }
        var (count, length) = (CInt(0), socklen_t(MemoryLayout<CInt>.size))
        return getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_KEEPCNT, &count, &length) == 0 ? count : 0
    }
}
