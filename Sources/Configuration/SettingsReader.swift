import Platform
import YAML

/// Makes settings of a merged source tree: defaults, conversion, validation.
struct SettingsReader {
    let machine: MachineResources
    /// What relative paths of sockets count from.
    let workDirectory: String
    /// What `envfile` names: it was read before all the rest.
    let environmentFile: (path: String, place: SourcePlace)?

    /// - Throws: ``ConfigurationError``; ``ConfigurationError/Code/noServers`` only when nothing else is wrong with the
    ///   sections that are there.
    func settings(from root: inout SectionReader) throws(ConfigurationError) -> Settings {
        let version = try version(from: &root)
        if let (path, place) = environmentFile { root.note("envfile", .text(path), from: place) }
        let server = try root.section("server") { reader throws(ConfigurationError) in
            try self.server(from: &reader)
        }
        let tcp = try root.sectionOrEmpty("tcp") { reader throws(ConfigurationError) in
            try self.tcp(from: &reader)
        }
        let rpc = try root.section("rpc") { reader throws(ConfigurationError) in
            try self.rpc(from: &reader)
        }
        let status = try root.section("status") { reader throws(ConfigurationError) in
            try self.status(from: &reader)
        }
        let metrics = try root.section("metrics") { reader throws(ConfigurationError) in
            try self.metrics(from: &reader)
        }
        let logs = try root.sectionOrEmpty("logs") { reader throws(ConfigurationError) in
            try self.logs(from: &reader)
        }
        let endure = try root.sectionOrEmpty("endure") { reader throws(ConfigurationError) in
            try self.endure(from: &reader)
        }
        try AddressCheck(root: root, workDirectory: workDirectory)
            .check(servers: tcp.servers, relay: server?.relay, rpc: rpc, status: status, metrics: metrics)
        guard !tcp.servers.isEmpty else { throw noServers(root) }
        // Without servers a missing `server` section is the smaller fault, so it is looked at last.
        guard let server else { throw commandMissing(root.place, key: "server.command") }
        return Settings(
            version: version,
            server: server,
            tcp: tcp,
            rpc: rpc,
            status: status,
            metrics: metrics,
            logs: logs,
            endure: endure
        )
    }

    func commandMissing(_ place: SourcePlace, key: String) -> ConfigurationError {
        place.error(
            .missingValue,
            "command should not be empty",
            key: key,
            fix: "say how a worker is started, such as `command: \"php worker.php\"`"
        )
    }

    /// RoadRunner's own words (docs/configuration.md).
    private func version(from root: inout SectionReader) throws(ConfigurationError) -> String {
        guard let (scalar, place) = try root.scalar("version") else {
            throw root.place.error(
                .invalidVersion,
                "rr configuration file should contain a version e.g: version: 3",
                key: "version",
                fix: "add `version: \"3\"`"
            )
        }
        let type: String
        switch scalar.scalar.resolved {
        case .text(let text):
            root.note("version", .text(text), from: place)
            return text
        case .integer: type = "int"
        case .float: type = "float64"
        case .bool: type = "bool"
        case .null: type = "<nil>"
        }
        throw place.error(
            .invalidVersion,
            "version should be a string: `version: \"3\"`, actual type is: \(type)",
            key: "version",
            fix: "quote it"
        )
    }

    private func noServers(_ root: SectionReader) -> ConfigurationError {
        let place = root.source.mapping("tcp")?["servers"]?.keyPlace ?? root.source["tcp"]?.keyPlace
        // With no section to point at, the file is named without a line.
        return ConfigurationError(
            code: .noServers,
            message: "no servers registered",
            file: place?.file ?? root.place.file,
            line: place?.mark?.line,
            column: place?.mark?.column,
            key: "tcp.servers",
            fix: "add a server, such as `tcp: {servers: {main: {addr: \"127.0.0.1:7777\"}}}`"
        )
    }
}
