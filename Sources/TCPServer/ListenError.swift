/// A server that could not listen.
public struct ListenError: Error, Sendable, CustomStringConvertible {
    /// The server's name.
    public var server: String
    public var address: ServerConfiguration.Address
    /// Why, in one line.
    public var reason: String

    public var description: String {
        "cannot listen on \(self.address) (tcp.servers.\(self.server).addr): \(self.reason)"
    }
}
