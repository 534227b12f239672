import Addresses

/// Refuses addresses that could not be listened on at the same time.
struct AddressCheck {
    /// What the addresses were read from.
    let root: SectionReader
    /// What relative paths of sockets count from.
    let workDirectory: String

    private struct Listener {
        /// The keys of its address.
        var path: [String]
        var address: ListenAddress
    }

    func check(
        servers: [TCPServerSettings],
        relay: Relay?,
        rpc: RPCSettings?,
        status: StatusSettings?,
        metrics: MetricsSettings?
    ) throws(ConfigurationError) {
        var wanted = servers.map { Listener(path: ["tcp", "servers", $0.name, "addr"], address: $0.address) }
        if let address = relay?.address { wanted.append(Listener(path: ["server", "relay"], address: address)) }
        // Only workers use this one, and other hosts may be those of another machine.
        if let rpc, let address = try? ListenAddress(parsingWithScheme: rpc.listen), address.isOfThisMachine {
            wanted.append(Listener(path: ["rpc", "listen"], address: address))
        }
        if let status { wanted.append(Listener(path: ["status", "address"], address: status.address)) }
        if let metrics { wanted.append(Listener(path: ["metrics", "address"], address: metrics.address)) }
        var taken: [Listener] = []
        for var listener in wanted {
            let spelling = listener.address.description
            listener.address = located(listener.address)
            if let other = taken.first(where: { Self.conflict($0, listener) }) {
                throw place(of: listener).error(
                    .addressConflict,
                    "\(spelling) is taken already: `\(other.path.joined(separator: "."))` is \(other.address) "
                        + "(\(origin(of: other)))",
                    key: listener.path.joined(separator: "."),
                    fix: "give each its own \(other.address.isTCP ? "port" : "path")"
                )
            }
            taken.append(listener)
        }
    }

    /// Probes and metrics may have the very same address: one listener serves both then.
    private static func conflict(_ one: Listener, _ other: Listener) -> Bool {
        let areAdmin = one.path[0] == "status" && other.path[0] == "metrics"
        return one.address.overlaps(other.address) && !(areAdmin && one.address == other.address)
    }

    /// An address whose path has one spelling: absolute, its directory without symbolic links.
    private func located(_ address: ListenAddress) -> ListenAddress {
        guard case .unix(let path) = address else { return address }
        let absolute = FilePath.absolute(path, in: workDirectory)
        let directory = FilePath.resolved(FilePath.directory(of: absolute))
        return .unix(path: FilePath.absolute(FilePath.name(of: absolute), in: directory))
    }

    /// The value, or the section when the default is meant.
    private func place(of listener: Listener) -> SourcePlace {
        root.source.value(at: listener.path[...])?.place ?? root.source[listener.path[0]]?.keyPlace ?? root.place
    }

    private func origin(of listener: Listener) -> ValueOrigin {
        root.source.value(at: listener.path[...])?.place.origin ?? .defaultValue
    }
}
