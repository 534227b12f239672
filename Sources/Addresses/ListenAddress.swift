/// Where a socket listens, as a configuration asks for it: TCP servers, the relay, probes, metrics and RPC.
///
/// A plain value: resolving it yields the system's addresses for its name or interfaces.
package enum ListenAddress: Sendable, Hashable {
    /// `host` is a name or an address, IPv6 without brackets, empty for all interfaces. `port` is 0…65535; 0 asks the
    /// system for any free port.
    case tcp(host: String, port: Int)
    /// A socket file; a relative path counts from the work directory.
    case unix(path: String)

    package var isTCP: Bool {
        switch self {
        case .tcp: true
        case .unix: false
        }
    }

    /// The address with its scheme, `tcp://` or `unix://`, as workers are told it.
    package var url: String {
        switch self {
        case .tcp: "tcp://\(self)"
        case .unix: "\(self)"
        }
    }

    /// The address with the port that the system chose in place of port 0.
    package func bound(toPort port: Int?) -> ListenAddress {
        guard case .tcp(let host, let asked) = self else {
            return self
        }
        return .tcp(host: host, port: port ?? asked)
    }

    /// The address at which a client on this machine reaches the listener.
    package var reachable: ListenAddress {
        switch self {
        case .tcp(host: "", let port), .tcp(host: "0.0.0.0", let port): .tcp(host: "127.0.0.1", port: port)
        case .tcp(host: "::", let port): .tcp(host: "::1", port: port)
        case .tcp, .unix: self
        }
    }

    /// Whether the address is certainly one of this machine: a socket file, loopback, or all interfaces.
    package var isOfThisMachine: Bool {
        guard case .tcp(let host, _) = self else {
            return true
        }
        return ["", "localhost", "0.0.0.0", "::", "::1"].contains(host.lowercased()) || host.hasPrefix("127.")
    }
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
