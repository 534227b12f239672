public import Sockets

/// An address of probes or metrics that cannot be listened on.
public struct AdminError: Error, Sendable, CustomStringConvertible {
    public var address: SocketEndpoint
    /// The key that the address is of.
    public var key: String
    /// Why, in one line.
    public var reason: String

    public var description: String {
        "cannot listen on \(self.address) (\(self.key)): \(self.reason)"
    }
}
