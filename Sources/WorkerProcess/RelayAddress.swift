/// Where workers connect that do not speak over their standard input and output (`server.relay`).
public enum RelayAddress: Sendable, Hashable, CustomStringConvertible {
    /// `host` is a name or an address, IPv6 without brackets; `port` is 1…65535.
    case tcp(host: String, port: Int)
    case unix(path: String)

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }
}
