import Configuration
import Logging
import Observability

/// The loggers of the service, one a channel; their levels can be changed.
struct Loggers: Sendable {
    private let levels: [String: LogLevelSwitch]
    private let outputs: [LogOutput]
    /// What workers log by RPC.
    let app: Logger
    /// Calls of workers and of the command line.
    let rpc: Logger
    /// The service itself.
    let rr: Logger
    /// Workers and their output on standard error.
    let server: Logger
    /// Listeners and connections.
    let tcp: Logger
    /// Standard error, for text of workers that is no entry of the log.
    let standardError: LogOutput

    /// - Throws: ``Gateway/Failure`` when a file cannot be opened; it names the key.
    init(_ settings: LogSettings, _ process: Gateway.Process) throws {
        var outputs = LogOutputs(isColourful: process.wantsColour)
        var levels: [String: LogLevelSwitch] = [:]
        func logger(_ channel: String) throws -> Logger {
            let level = LogLevelSwitch(Logger.Level(settings, channel: channel))
            levels[channel] = level
            guard settings.value(\.mode, of: channel) != .off else {
                return Logger(label: channel) { _ in SwiftLogNoOpLogHandler() }
            }
            let choice = LogOutputs.Choice(settings, channel: channel, workDirectory: process.workDirectory)
            let targets = try outputs.targets(choice)
            return Logger(label: channel) { _ in ChannelLogHandler(channel: channel, level: level, targets: targets) }
        }
        self.app = try logger("app")
        self.rpc = try logger("rpc")
        self.rr = try logger("rr")
        self.server = try logger("server")
        self.tcp = try logger("tcp")
        self.levels = levels
        self.standardError = try outputs.standardError()
        self.outputs = outputs.all
    }

    /// Takes over the levels of a changed configuration.
    func setLevels(_ settings: LogSettings) {
        for (name, level) in self.levels {
            level.level = Logger.Level(settings, channel: name)
        }
    }

    /// Opens log files anew, after a tool such as logrotate has renamed them.
    func reopen() {
        for output in self.outputs {
            output.reopen()
        }
    }

    /// Waits until all logged entries are written.
    ///
    /// - Parameter milliseconds: The longest wait: an output may be stuck.
    func flush(milliseconds: Int) {
        LogOutput.flush(self.outputs, milliseconds: milliseconds)
    }
}

extension Gateway.Process {
    /// See https://no-color.org.
    fileprivate var wantsColour: Bool {
        (self.environment["NO_COLOR"] ?? "").isEmpty && self.environment["TERM"] != "dumb"
    }
}

extension Logger.Level {
    fileprivate init(_ settings: LogSettings, channel: String) {
        let own = settings.channels[channel]?.level
        // `logs.level` is debug by default, as in RoadRunner. Packets, at trace level, are logged only if the channel's
        // own level is debug.
        self = own == .debug ? .trace : Logger.Level(own ?? settings.all.level ?? .debug)
    }
}

extension Logger.Level {
    init(_ level: LogLevel) {
        switch level {
        case .debug: self = .debug
        case .info: self = .info
        case .warn: self = .warning
        case .error: self = .error
        case .panic, .fatal: self = .critical
        }
    }
}
