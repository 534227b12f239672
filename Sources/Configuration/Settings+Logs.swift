/// `logs`: what is written, how and where.
package struct LogSettings: Sendable, Equatable {
    /// `logs.mode`: default ``LogMode/development``.
    package var mode: LogMode
    /// `logs.level`: default ``LogLevel/debug``.
    package var level: LogLevel
    /// `logs.encoding`: `nil` means what the mode implies: JSON in production, console elsewhere.
    package var encoding: LogEncoding?
    /// `logs.output`: `stdout`, `stderr` or files; `nil` means what the mode implies: standard error.
    package var output: [String]?
    /// `logs.err_output`: where the logger's own faults go; `nil` means standard error.
    package var errorOutput: [String]?
    /// `logs.line_ending`: default `"\n"`.
    package var lineEnding: String
    /// `logs.channels`: overrides by channel name (lower case). Default: none.
    package var channels: [String: LogChannelSettings]
    /// `logs.file_logger_options`: `nil` when the section is absent.
    package var fileLogger: FileLoggerSettings?

    package init(
        mode: LogMode = .development,
        level: LogLevel = .debug,
        encoding: LogEncoding? = nil,
        output: [String]? = nil,
        errorOutput: [String]? = nil,
        lineEnding: String = "\n",
        channels: [String: LogChannelSettings] = [:],
        fileLogger: FileLoggerSettings? = nil
    ) {
        self.mode = mode
        self.level = level
        self.encoding = encoding
        self.output = output
        self.errorOutput = errorOutput
        self.lineEnding = lineEnding
        self.channels = channels
        self.fileLogger = fileLogger
    }
}

/// `logs.channels.<name>`: what differs for one channel; `nil` is taken from ``LogSettings``.
package struct LogChannelSettings: Sendable, Equatable {
    package var mode: LogMode?
    package var level: LogLevel?
    package var encoding: LogEncoding?
    package var output: [String]?
    package var errorOutput: [String]?
    package var lineEnding: String?
    package var fileLogger: FileLoggerSettings?

    package init(
        mode: LogMode? = nil,
        level: LogLevel? = nil,
        encoding: LogEncoding? = nil,
        output: [String]? = nil,
        errorOutput: [String]? = nil,
        lineEnding: String? = nil,
        fileLogger: FileLoggerSettings? = nil
    ) {
        self.mode = mode
        self.level = level
        self.encoding = encoding
        self.output = output
        self.errorOutput = errorOutput
        self.lineEnding = lineEnding
        self.fileLogger = fileLogger
    }
}

/// `logs.mode`: a bundle of defaults.
package enum LogMode: String, Sendable, Equatable, CaseIterable {
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
package enum LogLevel: String, Sendable, Equatable, CaseIterable {
    case debug, info, warn, error, panic, fatal
}

/// `logs.encoding`.
package enum LogEncoding: String, Sendable, Equatable, CaseIterable {
    case console, json
}

/// `logs.file_logger_options`: a log file that rotates.
package struct FileLoggerSettings: Sendable, Equatable {
    /// `log_output`: the file. Required when the section is there.
    package var logOutput: String
    /// `max_size`: MB a file may reach before it is rotated; default 100; 0 means the default.
    package var maxSize: Int
    /// `max_age`: days that rotated files are kept; default 24; 0 means the default.
    package var maxAge: Int
    /// `max_backups`: rotated files that are kept; default 10; 0 means the default.
    package var maxBackups: Int
    /// `compress`: whether rotated files are to be compressed, which this service does not do. Default `false`.
    package var compress: Bool

    package static let defaultMaxSize = 100
    package static let defaultMaxAge = 24
    package static let defaultMaxBackups = 10

    package init(
        logOutput: String,
        maxSize: Int = Self.defaultMaxSize,
        maxAge: Int = Self.defaultMaxAge,
        maxBackups: Int = Self.defaultMaxBackups,
        compress: Bool = false
    ) {
        self.logOutput = logOutput
        self.maxSize = maxSize
        self.maxAge = maxAge
        self.maxBackups = maxBackups
        self.compress = compress
    }
}
