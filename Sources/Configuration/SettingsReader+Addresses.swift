extension SettingsReader {
    /// Refuses listeners that could not be bound at the same time.
    func checkAddresses(
        servers: [TCPServerSettings],
        status: StatusSettings?,
        metrics: MetricsSettings?,
        root: SectionReader
    ) throws(ConfigurationError) {
        var taken: [(path: [String], address: ListenAddress)] = []
        var wanted = servers.map { (path: ["tcp", "servers", $0.name, "addr"], address: $0.address) }
        if let status { wanted.append((["status", "address"], status.address)) }
        if let metrics { wanted.append((["metrics", "address"], metrics.address)) }
        for listener in wanted {
            if let other = taken.first(where: { Self.conflict($0, listener) }) {
                let value = root.source.value(at: listener.path[...])
                throw (value?.place ?? root.place).error(
                    .addressConflict,
                    "\(listener.address) is taken already: "
                        + "`\(other.path.joined(separator: "."))` is \(other.address)",
                    key: listener.path.joined(separator: "."),
                    fix: "give each its own port"
                )
            }
            taken.append(listener)
        }
    }

    /// Probes and metrics may have the very same address: one listener serves both then.
    private static func conflict(
        _ one: (path: [String], address: ListenAddress),
        _ other: (path: [String], address: ListenAddress)
    ) -> Bool {
        let areAdmin = one.path[0] == "status" && other.path[0] == "metrics"
        return one.address.overlaps(other.address) && !(areAdmin && one.address == other.address)
    }
}
