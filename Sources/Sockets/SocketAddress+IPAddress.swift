import Addresses
import NIOCore

extension SocketAddress {
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
