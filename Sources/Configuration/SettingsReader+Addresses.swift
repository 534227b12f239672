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
            if let other = taken.first(where: { $0.address.overlaps(listener.address) }) {
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
}
