import Glibc

/// TCP keep-alive: the probes by which the system notices a peer that is gone. Connections inherit it.
package struct KeepAlive: Sendable, Hashable {
    /// Seconds of silence before the first probe, 1…32767; 0 sends none.
    package var idle: CInt
    /// Seconds between probes, 1…32767.
    package var interval: CInt
    /// Unanswered probes after which the peer is gone, 1…127; 0: as the system has it, 9 mostly.
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
        return [
            (SOL_SOCKET, SO_KEEPALIVE, 1), (tcp, TCP_KEEPIDLE, self.idle), (tcp, TCP_KEEPINTVL, self.interval),
        ] + (self.count > 0 ? [(tcp, TCP_KEEPCNT, self.count)] : [])
    }
}
