import Foundation

/// systemd's end of sd_notify(3).
final class NotifySocket {
    let path: String
    private let descriptor: Int32

    /// - Parameter path: That of a file, or a name after `@`.
    init(path: String) throws {
        self.path = path
        self.descriptor = try check(
            socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0),
            "socket"
        )
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = path.hasPrefix("@") ? [0] + Array(path.utf8.dropFirst()) : Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(self.descriptor, $0, length) }
        }
        try check(result, "bind \(path)")
    }

    deinit {
        close(self.descriptor)
    }

    /// The next message.
    func receive() throws -> String {
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Deadline().milliseconds) > 0 else {
            throw TimeoutError("a message at \(self.path)")
        }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = try check(Int32(recv(self.descriptor, &bytes, bytes.count, 0)), "recv")
        return String(decoding: bytes.prefix(Int(count)), as: UTF8.self)
    }

    /// The next message that is not the watchdog's.
    func receiveState() throws -> String {
        while true {
            let message = try self.receive()
            if message != "WATCHDOG=1" {
                return message
            }
        }
    }
}
