import Configuration
import Platform

/// All settings of a configuration, by feature: a new section adds a line to each of these two lists.
package struct Settings: Sendable, Equatable {
    var server = WorkerSettings()
    var tcp = TCPSettings()
    /// `kv`, by name.
    var kv: [String: KeyValueSettings] = [:]
    /// `nil` if the section is absent, as for the next two.
    var rpc: RPCSettings?
    package var status: StatusSettings?
    var metrics: MetricsSettings?
    package var logs = LogSettings()
    var endure = EndureSettings()

    package static let section = Section(Self()) {
        // A configuration without servers is the worse fault, so an absent section is checked last.
        Key("server", \.server, section: WorkerSettings.section, readsAbsent: false)
        Key("tcp", \.tcp, section: TCPSettings.section)
        Key("rpc", \.rpc, section: RPCSettings.section)
        Key(
            "kv", \.kv, named: KeyValueSettings.section, most: 1000,
            prototype: { name, _ in KeyValueSettings(name: name) }
        )
        Key("status", \.status, section: StatusSettings.section)
        Key("metrics", \.metrics, section: MetricsSettings.section)
        Key("logs", \.logs, section: LogSettings.section)
        Key("endure", \.endure, section: EndureSettings.section)
    } check: { root, settings throws(ConfigurationError) in
        try AddressCheck(root: root).check(settings.addresses)
        settings.warnOfUnreachableStorages(root)
        try settings.checkSharedAddress(root)
        guard !settings.tcp.servers.isEmpty else { throw noServers(root) }
        guard !settings.server.command.isEmpty else {
            throw WorkerSettings.missingCommand.error(in: root, "server.command")
        }
    }

    /// Every address that the service listens on.
    private var addresses: [AddressClaim] {
        var claims = tcp.servers.map { AddressClaim(["tcp", "servers", $0.name, "addr"], $0.address) }
        if let address = server.relay.address { claims.append(AddressClaim(["server", "relay"], address)) }
        if let address = rpc?.address { claims.append(AddressClaim(["rpc", "listen"], address)) }
        if let status { claims.append(AddressClaim(["status", "address"], status.address, group: "admin")) }
        if let metrics { claims.append(AddressClaim(["metrics", "address"], metrics.address, group: "admin")) }
        return claims
    }

    /// One listener has one section `tls`.
    private func checkSharedAddress(_ root: SectionReader) throws(ConfigurationError) {
        guard let status, let metrics, status.address == metrics.address, metrics.tls != nil,
            metrics.tls != status.tls
        else { return }
        let place = root.source.mapping("metrics")?["tls"]?.keyPlace ?? root.place
        throw place.error(
            .invalidValue, "`status` has the same address and another `tls`", key: "metrics.tls",
            fix: "move it to `status`, or use another address")
    }

    private func warnOfUnreachableStorages(_ root: SectionReader) {
        guard rpc == nil, !kv.isEmpty, let place = root.source["kv"]?.keyPlace else { return }
        root.diagnostics.warn(
            place.warning("without a section `rpc` no worker reaches the storages: add `rpc: {}`", key: "kv"))
    }

    private static func noServers(_ root: SectionReader) -> ConfigurationError {
        let place = root.source.mapping("tcp")?["servers"]?.keyPlace ?? root.source["tcp"]?.keyPlace
        let (message, key) = ("no servers registered", "tcp.servers")
        let fix = "add a server, such as `tcp: {servers: {main: {addr: \"127.0.0.1:7777\"}}}`"
        guard let place else {
            // Without a section to point at, the error names the file without a line.
            return ConfigurationError(code: .noServers, message: message, file: root.place.file, key: key, fix: fix)
        }
        return place.error(.noServers, message, key: key, fix: fix)
    }
}

package typealias LoadedSettings = LoadedConfiguration<Settings>

extension ConfigurationLoader where Settings == Application.Settings {
    /// - Parameter environment: Only `main` reads the real one.
    package init(environment: EnvironmentVariables, machine: MachineResources) {
        let schema = Schema(
            Application.Settings.section.schema,
            notRun: Application.Settings.sectionsNotRun,
            reservedVariables: WorkerSettings.variables,
            lending: [SectionLending("config", of: "kv")]
        )
        self.init(Application.Settings.section, schema: schema, environment: environment, machine: machine)
    }
}

extension Settings {
    /// The top-level sections of RoadRunner 1 to 2026 and of its own plugins that this service may not run.
    fileprivate static let sectionsNotRun = [
        "amqp", "app-logger", "beanstalk", "boltdb", "broadcast", "centrifuge", "fileserver", "gps", "grpc", "gzip",
        "headers", "http", "informer", "jobs", "kafka", "lock", "memcached", "memory", "nats", "nsq", "otel",
        "prometheus", "proxy_ip_parser", "pubsub", "redis", "reload", "resetter", "sendfile", "service", "sqs",
        "static", "temporal", "websockets",
    ]
}
