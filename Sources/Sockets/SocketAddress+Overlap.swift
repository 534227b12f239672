import NIOCore

extension SocketAddress {
    /// Whether this and another address cannot both be listened on, but for ``BoundSocket/Options/sharesPort``.
    package func conflicts(with other: SocketAddress) -> Bool {
        self.covers(other) || other.covers(self)
    }

    /// Whether a listener here gets the connections to another address, unless there is a listener for just that one.
    ///
    /// That is how Linux chooses: the listener of the very address before one of every IPv4 address, and that before one
    /// of every address.
    package func covers(_ other: SocketAddress) -> Bool {
        guard self.port == other.port, self.port != 0 else {
            // The path of a unix socket is one listener's or another's.
            return self.port == nil && other.port == nil && self == other
        }
        switch (self, other) {
        case (.v6, _) where self.ipAddress == "::": return true
        case (.v4, .v4) where self.ipAddress == "0.0.0.0": return true
        default: return self == other
        }
    }
}
