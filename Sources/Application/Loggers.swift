import Configuration
import Logging
import Observability

/// The loggers of the service, one a channel; their levels can be changed.
struct Loggers: Sendable {
    /// One of `logs.channels`.
    private struct Channel: Sendable {
        let logger: Logger
        let level: LogLevelSwitch

        init(_ name: String, _ settings: LogSettings, sink: LogSink) {
            let own = settings.channels[name]
            let mode = own?.mode ?? settings.mode
            let level = LogLevelSwitch(Logger.Level(settings, channel: name))
            self.level = level
            let handler = ChannelLogHandler(
                channel: name,
                format: LogFormat(mode: mode, encoding: own?.encoding ?? settings.encoding),
                level: level,
                sink: sink
            )
            self.logger = Logger(label: name) { _ -> any LogHandler in
                mode == .off ? SwiftLogNoOpLogHandler() as any LogHandler : handler
            }
        }
    }

    private let channels: [String: Channel]
    /// The service itself.
    let rr: Logger
    /// Workers and what they write to standard error.
    let server: Logger
    /// Listeners and connections.
    let tcp: Logger

    init(_ settings: LogSettings) {
        let sink = LogSink()
        let rr = Channel("rr", settings, sink: sink)
        let server = Channel("server", settings, sink: sink)
        let tcp = Channel("tcp", settings, sink: sink)
        (self.rr, self.server, self.tcp) = (rr.logger, server.logger, tcp.logger)
        self.channels = ["rr": rr, "server": server, "tcp": tcp]
    }

    /// Takes over the levels of a changed configuration.
    func setLevels(_ settings: LogSettings) {
        for (name, channel) in self.channels {
            channel.level.level = Logger.Level(settings, channel: name)
        }
    }
}

extension Logger.Level {
    fileprivate init(_ settings: LogSettings, channel: String) {
        self.init(settings.channels[channel]?.level ?? settings.level)
    }
}
