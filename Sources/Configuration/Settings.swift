/// Everything that `rr` can be told, as plain values: what a configuration file means once it is expanded, overridden
/// and validated.
///
/// A value of this type that came from ``ConfigurationLoader`` is valid; one made by hand (in tests) is taken as it is.
public struct Settings: Sendable, Equatable {
    /// `version`: text, required, any value (docs/configuration.md).
    public var version: String
    /// `server`: how workers are started.
    public var server: ServerSettings
    /// `tcp`: the listeners and the pool behind them.
    public var tcp: TCPSettings
    /// `rpc`: `nil` when the section is absent; workers then get no `RR_RPC`.
    public var rpc: RPCSettings?
    /// `status`: `nil` when the section is absent; then there are no probes.
    public var status: StatusSettings?
    /// `metrics`: `nil` when the section is absent; then nothing is exported.
    public var metrics: MetricsSettings?
    /// `logs`.
    public var logs: LogSettings
    /// `endure`: how the process ends.
    public var endure: EndureSettings

    public init(
        version: String = "3",
        server: ServerSettings,
        tcp: TCPSettings,
        rpc: RPCSettings? = nil,
        status: StatusSettings? = nil,
        metrics: MetricsSettings? = nil,
        logs: LogSettings = LogSettings(),
        endure: EndureSettings = EndureSettings()
    ) {
        self.version = version
        self.server = server
        self.tcp = tcp
        self.rpc = rpc
        self.status = status
        self.metrics = metrics
        self.logs = logs
        self.endure = endure
    }
}
