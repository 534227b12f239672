import Glibc

extension ListenAddress {
    /// Whether two listeners cannot have these addresses at the same time: the second bind would fail, or take
    /// connections away from the first.
    package func overlaps(_ other: ListenAddress) -> Bool {
        switch (self, other) {
        case (.unix(let path), .unix(let otherPath)):
            return path == otherPath
        case (.tcp(let host, let port), .tcp(let otherHost, let otherPort)):
            // Port 0 stands for a different port each time.
            guard port == otherPort, port != 0 else { return false }
            let (one, two) = (Self.canonical(host), Self.canonical(otherHost))
            if one == two || Self.isAll(one) || Self.isAll(two) { return true }
            // `0.0.0.0` is every IPv4 interface: any host but an IPv6 literal may resolve to one of them.
            return one == "0.0.0.0" && !Self.isIPv6(two) || two == "0.0.0.0" && !Self.isIPv6(one)
        default:
            return false
        }
    }

    /// `[::]` on Linux takes IPv4 as well.
    private static func isAll(_ host: String) -> Bool {
        host.isEmpty || host == "::"
    }

    private static func isIPv6(_ host: String) -> Bool {
        host.utf8.contains(UInt8(ascii: ":"))
    }

    private static func canonical(_ host: String) -> String {
        let host = host.lowercased()
        return host == "localhost" ? "127.0.0.1" : ipv6(host) ?? host
    }

    /// The canonical spelling of an IPv6 address; `nil` for anything else.
    private static func ipv6(_ host: String) -> String? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, host, &address) == 1 else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) }
        }
    }
}
