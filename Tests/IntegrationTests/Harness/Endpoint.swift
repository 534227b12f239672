import Foundation
import Synchronization

/// Where a server of `rr` is reached.
enum Endpoint: Hashable {
    case ipv4(port: Int)
    case ipv6(port: Int)
    case unix(path: String)

    /// As `addr` in the configuration.
    var address: String {
        switch self {
        case .ipv4(let port): "127.0.0.1:\(port)"
        case .ipv6(let port): "[::1]:\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }

    var port: Int? {
        switch self {
        case .ipv4(let port), .ipv6(let port): port
        case .unix: nil
        }
    }

    /// A free port of 127.0.0.1.
    ///
    /// Below the range from which the kernel takes the ports of outgoing connections, so that none of the tests'
    /// thousands of clients sits on it before `rr` does.
    static func free() throws -> Endpoint {
        try awaitValue("a free port") {
            let port = Int.random(in: 15_000..<32_000)
            guard Self.isNew(port) else {
                return nil
            }
            let endpoint = Endpoint.ipv4(port: port)
            let descriptor = try endpoint.socket()
            defer { close(descriptor) }
            return try endpoint.withAddress { bind(descriptor, $0, $1) } == 0 ? endpoint : nil
        }
    }

    /// The last ports that were given away: nobody may listen there yet.
    private static let given = Mutex<[Int]>([])

    private static func isNew(_ port: Int) -> Bool {
        self.given.withLock { given in
            guard !given.contains(port) else {
                return false
            }
            given.append(port)
            if given.count > 500 {
                given.removeFirst()
            }
            return true
        }
    }

    /// A new socket of the right family, not connected.
    func socket() throws -> Int32 {
        let family =
            switch self {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            case .unix: AF_UNIX
            }
        return try check(Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0), "socket")
    }

    /// A socket that is connected, and does not block.
    ///
    /// - Parameter source: The client's own address, of 127.0.0.0/8.
    func connectedSocket(receiveBuffer: Int? = nil, from source: String? = nil) throws -> Int32 {
        let descriptor = try self.socket()
        if let source {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr(source)
            try check(Self.pass(&address) { bind(descriptor, $0, $1) }, "bind \(source)")
        }
        if let receiveBuffer {
            Self.setOption(descriptor, SOL_SOCKET, SO_RCVBUF, Int32(receiveBuffer))
        }
        if self.port != nil {
            Self.setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        }
        // For connecting too.
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        do {
            try check(self.withAddress { connect(descriptor, $0, $1) }, "connect \(self.address)")
        } catch {
            close(descriptor)
            throw error
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return descriptor
    }

    func withAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result) throws -> Result {
        switch self {
        case .ipv4(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
            return try Self.pass(&address, body)
        case .ipv6(let port):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(port).bigEndian
            address.sin6_addr = in6addr_loopback
            return try Self.pass(&address, body)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            return try Self.pass(&address, body)
        }
    }

    private static func pass<Address, Result>(
        _ address: inout Address,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result
    ) throws -> Result {
        try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    private static func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// `127.0.0.1:51234` or `[::1]:51234`.
    static func localAddress(of descriptor: Int32) -> String {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                getsockname(descriptor, pointer, &length)
                var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
                let flags = NI_NUMERICHOST | NI_NUMERICSERV
                getnameinfo(pointer, length, &host, UInt32(host.count), &port, UInt32(port.count), flags)
                let isIPv6 = pointer.pointee.sa_family == AF_INET6
                let name = isIPv6 ? "[\(Self.string(host))]" : Self.string(host)
                return "\(name):\(Self.string(port))"
            }
        }
    }

    private static func string(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    }
}
