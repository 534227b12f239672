import Glibc

/// systemd's notification protocol, sd_notify(3): tells the manager that has started this process its state.
package struct ServiceManager: Sendable {
    /// The variables that hold the manager's socket and watchdog. Workers do not inherit them.
    package static let variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

    /// The path of a datagram socket; it begins with `@` for an abstract one.
    private let socketPath: String
    /// Half of the time within which systemd expects a notification; `nil` if it expects none.
    package let watchdogInterval: Duration?

    /// - Parameter variable: The value of a variable of the process.
    /// - Returns: `nil` if no manager expects notifications.
    package init?(variable: (String) -> String?) {
        guard let path = variable("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else {
            return nil
        }
        self.socketPath = path
        let isOurs = variable("WATCHDOG_PID").map { $0 == "\(getpid())" } ?? true
        let time = isOurs ? variable("WATCHDOG_USEC").flatMap { Int64($0) } : nil
        self.watchdogInterval = time.flatMap { $0 > 0 ? .microseconds($0 / 2) : nil }
    }

    package enum State: Sendable, Hashable {
        case ready
        case reloading
        case stopping
        case watchdog

        fileprivate var text: String {
            switch self {
            case .ready: "READY=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds)"
            case .stopping: "STOPPING=1"
            case .watchdog: "WATCHDOG=1"
            }
        }

        private static var monotonicMicroseconds: Int64 {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        }
    }

    /// Sends a state to the manager. It is lost if the manager does not read its socket.
    package func notify(_ state: State) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            return
        }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(self.socketPath.utf8)
        if path.first == UInt8(ascii: "@") {
            path[0] = 0
        }
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let message = Array(state.text.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0, length)
            }
        }
    }
}
