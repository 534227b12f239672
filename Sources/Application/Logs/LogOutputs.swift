import Configuration
import Observability

/// The outputs of all channels: one for each destination, however many channels write there.
struct LogOutputs {
    /// The settings of a channel: those of `logs`, overridden by `logs.channels.<name>`.
    struct Choice {
        /// The key of the setting, for messages.
        var key: String
        var destinations: [LogDestination]
        var format: LogFormat
        var lineEnding: String
        /// The destinations of the log's own faults.
        var faults: [LogDestination]
        var faultsKey: String
    }

    /// Whether a terminal gets colours.
    let isColourful: Bool
    private(set) var all: [LogOutput] = []

    init(isColourful: Bool) {
        self.isColourful = isColourful
    }

    /// - Throws: ``Gateway/Failure`` that names the key and the file which cannot be opened.
    mutating func targets(_ choice: Choice) throws -> [ChannelLogHandler.Target] {
        var faults: [LogOutput] = []
        // A failing output cannot report its own failure.
        let names = Set(choice.destinations.map(\.name))
        for destination in choice.faults where !names.contains(destination.name) {
            faults.append(try self.output(destination, choice, key: choice.faultsKey, faults: []))
        }
        return try choice.destinations.map { destination in
            let output = try self.output(destination, choice, key: choice.key, faults: faults)
            return .init(output, self.style(choice, isTerminal: output.isTerminal))
        }
    }

    /// Standard error, whether a channel writes there or not.
    mutating func standardError() throws -> LogOutput {
        if let output = self.all.first(where: { $0.destination == .standardError }) {
            return output
        }
        do throws(LogFailure) {
            let output = try LogOutput(.standardError, style: LogStyle(.console))
            self.all.append(output)
            return output
        } catch {
            throw Gateway.Failure(description: "\(error)")
        }
    }

    private mutating func output(
        _ destination: LogDestination,
        _ choice: Choice,
        key: String,
        faults: [LogOutput]
    ) throws -> LogOutput {
        if let output = self.all.first(where: { $0.destination.name == destination.name }) {
            guard output.destination == destination else {
                let reason = "\(destination.name) is written elsewhere with other file_logger_options"
                throw Gateway.Failure(description: "\(key): \(reason)")
            }
            return output
        }
        do throws(LogFailure) {
            let output = try LogOutput(destination, style: self.style(choice, isTerminal: false), faults: faults)
            self.all.append(output)
            return output
        } catch {
            throw Gateway.Failure(description: "\(key): \(error)")
        }
    }

    private func style(_ choice: Choice, isTerminal: Bool) -> LogStyle {
        let isColoured = isTerminal && self.isColourful && choice.format == .console
        return LogStyle(isColoured ? .colouredConsole : choice.format, lineEnding: choice.lineEnding)
    }
}

extension LogOutputs.Choice {
    /// - Parameter workDirectory: The base of relative paths.
    init(_ settings: LogSettings, channel: String, workDirectory: String) {
        let own = settings.channels[channel]
        let ownKey = "logs.channels.\(channel)"
        let hasOwnPlace = own?.fileLogger != nil || own?.output != nil
        let file = hasOwnPlace ? own?.fileLogger : settings.all.fileLogger
        let prefix = hasOwnPlace ? ownKey : "logs"
        func destination(_ name: String) -> LogDestination {
            LogDestination(name, workDirectory: workDirectory)
        }
        if let file {
            self.key = "\(prefix).file_logger_options.log_output"
            self.destinations = [LogDestination(file, workDirectory: workDirectory)]
        } else {
            self.key = "\(prefix).output"
            self.destinations = (settings.value(\.output, of: channel) ?? ["stderr"]).map(destination).withoutDuplicates
        }
        self.format = LogFormat(settings, channel: channel, isRotated: file != nil)
        self.lineEnding = settings.value(\.lineEnding, of: channel) ?? "\n"
        self.faults = (settings.value(\.errorOutput, of: channel) ?? ["stderr"]).map(destination).withoutDuplicates
        self.faultsKey = own?.errorOutput != nil ? "\(ownKey).err_output" : "logs.err_output"
    }
}

extension LogDestination {
    /// `stdout`, `stderr`, a path, or a `file://` address.
    init(_ name: String, workDirectory: String) {
        switch name {
        case "stdout", "/dev/stdout": self = .standardOutput
        case "stderr", "/dev/stderr": self = .standardError
        default: self = .file(path: Self.path(name, workDirectory), rotation: nil)
        }
    }

    init(_ settings: FileLoggerSettings, workDirectory: String) {
        self = .file(path: Self.path(settings.logOutput, workDirectory), rotation: LogRotation(settings))
    }

    private static func path(_ name: String, _ workDirectory: String) -> String {
        let path = name.hasPrefix("file://") ? String(name.dropFirst("file://".count)) : name
        return path.hasPrefix("/") ? path : "\(workDirectory)/\(path)"
    }
}

extension LogRotation {
    /// 0 means RoadRunner's default.
    init(_ settings: FileLoggerSettings) {
        func value(_ number: Int, default fallback: Int) -> Int {
            number > 0 ? number : fallback
        }
        self.init(
            maximumSize: value(settings.maxSize, default: FileLoggerSettings.defaultMaxSize) << 20,
            maximumAge: value(settings.maxAge, default: FileLoggerSettings.defaultMaxAge),
            maximumBackups: value(settings.maxBackups, default: FileLoggerSettings.defaultMaxBackups)
        )
    }
}

extension LogFormat {
    /// The form of a channel's lines.
    init(_ settings: LogSettings, channel: String, isRotated: Bool = false) {
        self.init(
            mode: settings.value(\.mode, of: channel) ?? .development,
            encoding: settings.value(\.encoding, of: channel),
            isRotated: isRotated
        )
    }

    /// - Parameters:
    ///   - encoding: `nil` means the mode's default.
    ///   - isRotated: Whether `file_logger_options` is set, which implies JSON, as in RoadRunner.
    init(mode: LogMode, encoding: LogEncoding?, isRotated: Bool = false) {
        switch (mode, encoding) {
        case (.raw, _): self = .raw
        case (_, .json), (.production, nil): self = .json
        case (_, .console): self = .console
        case (.development, nil), (.off, nil): self = isRotated ? .json : .console
        }
    }
}

extension [LogDestination] {
    fileprivate var withoutDuplicates: [LogDestination] {
        self.enumerated().filter { self[..<$0.offset].contains($0.element) == false }.map(\.element)
    }
}
