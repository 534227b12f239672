import Addresses
import NIOCore

extension SocketAddress {
    /// `nil` never: an address has as many bytes as its kind.
    package init?(_ ip: IPAddress, port: UInt16) {
        guard let address = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: ip.bytes), port: Int(port)) else {
            return nil
        }
        self = address
    }

    /// The address without its port; `nil` for a unix socket.
    package var ip: IPAddress? {
        // Where the address is in the system's form, see ip(7) and ipv6(7).
        let place: Range<Int>
        switch self {
        case .v4: place = 4..<8
        case .v6: place = 8..<24
        case .unixDomainSocket: return nil
        }
        return self.withSockAddr { pointer, size in
            guard size >= place.upperBound else { return nil }
            return IPAddress(bytes: UnsafeRawBufferPointer(start: pointer, count: size)[place])
        }
    }
}

extension SocketAddress {
    /// `192.0.2.1:25` or `[2001:db8::1]:25` as Go writes it, IPv4 in its own notation also on a socket of both; `@` for a
    /// client of a unix socket.
    package var hostAndPort: String {
        guard let ip else { return "@" }
        return ip.isIPv4 ? "\(ip):\(self.port ?? 0)" : "[\(ip)]:\(self.port ?? 0)"
    }
}
