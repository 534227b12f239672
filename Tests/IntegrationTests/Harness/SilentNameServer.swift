import Foundation
import TestSupport

/// A name server that never answers, and an `/etc/resolv.conf` that names it: whoever looks up a name waits for long.
final class SilentNameServer: @unchecked Sendable {
    /// Whether a process may get another `/etc/resolv.conf`: that takes root, and mounts.
    static let isPossible: Bool = {
        let arguments = ["/usr/bin/unshare", "--mount", "mount", "--bind", "/etc/hosts", "/etc/resolv.conf"]
        return (try? Command.run(arguments).exit) == .code(0)
    }()

    private let descriptor: Int32
    private let configuration: String

    /// - Parameter directory: Where the configuration is put.
    init(in directory: TemporaryDirectory) throws {
        let descriptor = try check(socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket")
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(53).bigEndian
        let host = "127.53.\(Int.random(in: 1...254)).\(Int.random(in: 1...254))"
        inet_pton(AF_INET, host, &address.sin_addr)
        self.configuration = try directory.write("nameserver \(host)\n", to: "resolv.conf")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try check(result, "bind \(host)")
    }

    deinit {
        close(self.descriptor)
    }

    /// What starts `rr` so that it asks this server, and waits for half a minute at least.
    func apply(to settings: inout Settings) {
        let script = "mount --bind '\(self.configuration)' /etc/resolv.conf && exec \"$@\""
        settings.launcher = ["/usr/bin/unshare", "--mount", "sh", "-c", script, "sh"]
        settings.ownEnvironment["RES_OPTIONS"] = "timeout:30 attempts:2"
        // One thread for all tasks, as on a machine with one processor: none may be held by the lookup.
        settings.ownEnvironment["LIBDISPATCH_COOPERATIVE_POOL_STRICT"] = "1"
    }

    /// Waits until somebody asks.
    func awaitQuery() throws {
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Deadline().milliseconds) == 1 else {
            throw TimeoutError("a name to be looked up")
        }
    }
}
