/// Where a server listens.
package enum ListenAddress: Sendable, Equatable, Hashable {
    /// `host` is a name or an address, IPv6 without brackets, empty for all interfaces. `port` is 0…65535; 0 asks the
    /// system for any free port.
    case tcp(host: String, port: Int)
    /// A socket file; a relative path counts from the work directory.
    case unix(path: String)
}

extension ListenAddress: CustomStringConvertible {
    /// `host:port`, `[::1]:port`, `:port` or `unix://path`: a spelling that a configuration file may use.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix://\(path)"
        }
    }
}
