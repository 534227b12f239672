/// Everything that `rr` can be told, as plain values: what a configuration file means once it is expanded, overridden
/// and validated.
///
/// A value of this type that came from ``ConfigurationLoader`` is valid; one made by hand (in tests) is taken as it is.
package struct Settings: Sendable, Equatable {
    /// `version`: text, required, any value (docs/configuration.md).
    package var version: String
    /// `server`: how workers are started.
    package var server: ServerSettings
    /// `tcp`: the listeners and the pool behind them.
    package var tcp: TCPSettings
    /// `rpc`: `nil` when the section is absent; workers then get no `RR_RPC`.
    package var rpc: RPCSettings?
    /// `status`: `nil` when the section is absent; then there are no probes.
    package var status: StatusSettings?
    /// `metrics`: `nil` when the section is absent; then nothing is exported.
    package var metrics: MetricsSettings?
    /// `logs`.
    package var logs: LogSettings
    /// `endure`: how the process ends.
    package var endure: EndureSettings

    package init(
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
