import Configuration

/// `logs`: the form and the destination of the log.
package struct LogSettings: Sendable, Equatable {
    /// Settings of all channels.
    var all = LoggerSettings(mode: .development, level: .debug, lineEnding: "\n")
    /// Overrides of single channels, by name in lower case.
    var channels: [String: LoggerSettings] = [:]

    /// The channels that exist: `RR_LOGS_CHANNELS_TCP_LEVEL` works without an entry in the file.
    static let knownChannels = ["app", "rpc", "rr", "server", "tcp"]

    static let section = Section(Self(), including: LoggerSettings.section.keys(within: \.all)) {
        Key(
            "channels", \.channels, named: LoggerSettings.section, wellKnown: knownChannels,
            prototype: { _, _ in LoggerSettings() },
            notes: "The same keys for one channel: `tcp` (listeners, connections), `server` (workers and what they "
                + "print), `app` (what workers log by RPC), `rpc`, `rr`. `logs.channels.tcp.level: debug` also gives a "
                + "line for each event."
        )
    }
}

extension LogSettings {
    /// The value in force for a channel: its own, or that of all.
    func value<Value>(_ path: KeyPath<LoggerSettings, Value?>, of channel: String) -> Value? {
        self.channels[channel]?[keyPath: path] ?? self.all[keyPath: path]
    }
}

/// The keys of `logs` itself, and of one channel, which inherits every value that is `nil`.
struct LoggerSettings: Sendable, Equatable {
    var mode: LogMode?
    var level: LogLevel?
    /// `nil` means the mode's default: JSON in production, console elsewhere.
    var encoding: LogEncoding?
    /// `stdout`, `stderr` or files; `nil` means standard error.
    var output: [String]?
    /// The destination of the logger's own faults; `nil` means standard error.
    var errorOutput: [String]?
    var lineEnding: String?
    var fileLogger: FileLoggerSettings?

    fileprivate static let section = Section(Self()) {
        Key(
            "mode", \.mode, .choice(aliases: ["none": .off]), marks: .atStart,
            "`development`: console lines; `production`: JSON lines; `raw`: the message alone; `off`, or `none`: "
                + "nothing."
        )
        Key("level", \.level, .level, "The least severe that is written.")
        Key("encoding", \.encoding, .choice(), marks: .atStart, "The form of a line.", default: "the mode's")
        Key("output", \.output, .list, marks: .atStart, "`stdout`, `stderr` or files.", default: "`stderr`")
        Key(
            "err_output", \.errorOutput, .list, marks: .atStart, "Where it is told that an output cannot be written.",
            default: "`stderr`"
        )
        Key("line_ending", \.lineEnding, .text(), marks: .atStart, "What ends a line.")
        Key("file_logger_options", \.fileLogger, section: FileLoggerSettings.section)
        Key.withoutEffect("format", "`encoding` chooses the form")
        Key.withoutEffect("time_format", "`encoding` chooses the form")
        Key.withoutEffect("skip_line_ending", "every entry ends with `line_ending`")
    }
}

extension ValueKind<LogLevel> {
    static var level: ValueKind { .choice(aliases: ["warning": .warn, "dpanic": .panic]) }
}

/// `logs.mode`: a bundle of defaults.
enum LogMode: String, Sendable, Equatable, CaseIterable {
    /// Console lines, debug level.
    case development
    /// JSON lines, info level.
    case production
    /// The message alone.
    case raw
    /// Nothing at all; `none` is another spelling.
    case off
}

/// `logs.level`, from the least severe to the most.
enum LogLevel: String, Sendable, Equatable, CaseIterable {
    case debug, info, warn, error, panic, fatal
}

/// `logs.encoding`.
enum LogEncoding: String, Sendable, Equatable, CaseIterable {
    case console, json
}

/// `logs.file_logger_options`: a log file that rotates. 0 means the default.
struct FileLoggerSettings: Sendable, Equatable {
    /// The file.
    var logOutput = ""
    /// In MB.
    var maxSize = Self.defaultMaxSize
    /// In days.
    var maxAge = Self.defaultMaxAge
    var maxBackups = Self.defaultMaxBackups
    /// Whether rotated files should be compressed. This service does not compress them.
    var compress = false

    static let defaultMaxSize = 100
    static let defaultMaxAge = 24
    static let defaultMaxBackups = 10

    fileprivate static let section = Section(Self()) {
        Key(
            "log_output", \.logOutput, .text(), marks: .atStart,
            "A file that is rotated, instead of `output`; JSON unless `encoding` says otherwise.",
            required: MissingKey("a file logger needs a file", fix: "add `log_output: /path/to/file.log`")
        )
        Key(
            "max_size", \.maxSize, .integer(in: 0...(1 << 40), unit: "MB"), marks: .atStart,
            "A file that would grow larger is put aside as `app-2026-01-31T23-59-59.000.log`. 0: the default."
        )
        Key(
            "max_age", \.maxAge, .integer(in: 0...(1 << 40), unit: "days"), marks: .atStart,
            "Older ones are removed, at the next rotation. 0: the default."
        )
        Key(
            "max_backups", \.maxBackups, .integer(in: 0...Int.max), marks: .atStart, "So many stay. 0: the default.")
        Key("compress", \.compress, .bool, marks: .atStart, "Has no effect, with a warning.")
    } check: { reader, settings throws(ConfigurationError) in
        guard settings.compress, let place = reader.source["compress"]?.keyPlace else { return }
        let message = "has no effect: files are rotated but not compressed; logrotate with SIGUSR1 can do both"
        reader.diagnostics.warn(place.warning(message, key: reader.path("compress")))
    }
}
