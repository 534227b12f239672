import NIOCore

extension SocketAddress {
    /// Whether two sockets cannot listen at both addresses unless they share the port.
    package func conflicts(with other: SocketAddress) -> Bool {
        self.covers(other) || other.covers(self)
    }

    /// Whether a listener at this address gets connections to `other` unless `other` has its own listener.
    ///
    /// Linux prefers the listener of the exact address, then one of all IPv4 addresses, then one of all addresses.
    package func covers(_ other: SocketAddress) -> Bool {
        guard self.port == other.port, self.port != 0 else {
            // A unix socket's path conflicts only with itself.
            return self.port == nil && other.port == nil && self == other
        }
        switch (self, other) {
        case (.v6, _) where self.ipAddress == "::": return true
        case (.v4, .v4) where self.ipAddress == "0.0.0.0": return true
        default: return self == other
        }
    }
}
