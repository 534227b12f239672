import Addresses
import Glibc
import NIOCore

extension ListenAddress {
    /// A host name without an address, in one line.
    package struct UnknownHost: Error, CustomStringConvertible {
        package var description: String
    }

    /// The addresses to bind to, the best first; each next one is for systems that lack the kind of the previous one.
    ///
    /// - Throws: ``UnknownHost``, `CancellationError`, or the reason why a path cannot be a socket's address. A
    ///   cancelled lookup continues in the background.
    package func resolved() async throws -> [SocketAddress] {
        if let addresses = try self.withoutLookup {
            return addresses
        }
        return try await BlockingCall.run { try self.lookup() }
    }

    /// As ``resolved()``, but blocks the thread during the lookup of a name.
    package func resolvedNow() throws -> [SocketAddress] {
        try self.withoutLookup ?? self.lookup()
    }

    /// The addresses if no name must be looked up; `nil` otherwise.
    private var withoutLookup: [SocketAddress]? {
        get throws {
            switch self {
            case .unix(let path):
                return [try SocketAddress(unixDomainSocketPath: path)]
            case .tcp(host: "", let port):
                // An IPv6 socket takes IPv4 connections as well, if the system has IPv6.
                return try ["::", "0.0.0.0"].map { try SocketAddress(ipAddress: $0, port: port) }
            case .tcp(let host, let port):
                return (try? SocketAddress(ipAddress: host, port: port)).map { [$0] }
            }
        }
    }

    /// One address of a name, preferably IPv4, as Go's `net.Listen` chooses it.
    private func lookup() throws -> [SocketAddress] {
        guard case .tcp(let host, let port) = self else {
            return []
        }
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        defer { list.map { freeaddrinfo($0) } }
        guard code == 0 else {
            throw UnknownHost(description: "\(String(cString: gai_strerror(code))): \(host)")
        }
        var found: SocketAddress?
        for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
            guard let entry = entry?.pointee, let pointer = entry.ai_addr else {
                break
            }
            let address = UnsafeRawPointer(pointer)
            if entry.ai_family == AF_INET {
                found = SocketAddress(address.load(as: sockaddr_in.self))
                break
            }
            if entry.ai_family == AF_INET6, found == nil {
                found = SocketAddress(address.load(as: sockaddr_in6.self))
            }
        }
        guard var found else {
            throw UnknownHost(description: "there is no address of \(host)")
        }
        found.port = port
        return [found]
    }
}
