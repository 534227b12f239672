/// Where a socket listens, as it is asked for: an address of a configuration, not of the system.
package enum SocketEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// `host` is a name or an address, IPv6 without brackets; empty means every interface. `port` is 0…65535, 0 a free
    /// one.
    case tcp(host: String, port: Int)
    /// A relative path counts from the work directory.
    case unix(path: String)

    package var isTCP: Bool {
        switch self {
        case .tcp: true
        case .unix: false
        }
    }

    /// `host:port`, `[::1]:port`, `:port` or `unix://path`.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }

    /// The same with its scheme in either case.
    package var url: String {
        switch self {
        case .tcp: "tcp://\(self)"
        case .unix: "\(self)"
        }
    }
}
