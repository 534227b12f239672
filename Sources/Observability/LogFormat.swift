import Glibc
import Logging
import Text

/// The format of an entry's line.
package enum LogFormat: Sendable, Hashable {
    /// For people: time, level, channel, message, then the metadata as `key=value`.
    case console
    /// As `console`, with colours: for terminals.
    case colouredConsole
    /// For machines: one JSON object a line.
    case json
    /// The message alone.
    case raw
}

/// One log entry.
struct LogEntry {
    var level: Logger.Level
    /// The channel: `rr`, `server`, `tcp`.
    var channel: String
    var message: String
    var metadata: Logger.Metadata
}

extension LogFormat {
    /// The line of a message that is not logged, with the current time and without its line end.
    package func line(_ level: Logger.Level, _ channel: String, _ message: String) -> String {
        self.line(LogEntry(level: level, channel: channel, message: message, metadata: [:]), at: .now)
    }

    /// The entry's line, without its end.
    func line(_ entry: LogEntry, at time: timespec) -> String {
        switch self {
        case .console, .colouredConsole:
            let isColoured = self == .colouredConsole
            let level = isColoured ? entry.level.coloured : entry.level.word.uppercased()
            let channel = isColoured ? "\u{1B}[92m\(entry.channel)\u{1B}[0m" : entry.channel
            let metadata = entry.metadata.sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value.description.quotedIfNeeded)" }
                .joined(separator: " ")
            let line =
                "\(CalendarDate(time).rfc3339)\t\(level)\t\(channel)\t\(entry.message.singleLine(keepsTabs: true))"
            return metadata.isEmpty ? line : "\(line)\t\(metadata)"
        case .json:
            var line = "{\"time\":\"\(CalendarDate(time).rfc3339)\",\"level\":\"\(entry.level.word)\""
            line += ",\"msg\":\(entry.message.jsonQuoted),\"logger\":\(entry.channel.jsonQuoted)"
            for (key, value) in entry.metadata.sorted(by: { $0.key < $1.key }) {
                line += ",\(key.jsonQuoted):\(value.description.jsonQuoted)"
            }
            return line + "}"
        case .raw:
            return entry.message
        }
    }
}

extension Logger.Level {
    /// RoadRunner's name of the level, as in `logs.level`.
    fileprivate var word: String {
        switch self {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error: "error"
        case .critical: "fatal"
        }
    }

    /// RoadRunner's colours.
    fileprivate var coloured: String {
        let code =
            switch self {
            case .trace, .debug: 97
            case .info, .notice: 96
            case .warning: 93
            case .error: 91
            case .critical: 95
            }
        return "\u{1B}[\(code)m\(self.word.uppercased())\u{1B}[0m"
    }
}

extension String {
    /// The value in one line. Quoted text is escaped once, as in JSON.
    fileprivate var quotedIfNeeded: String {
        let needsQuotes = self.isEmpty || self.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
        return needsQuotes ? self.jsonQuoted.singleLine() : self.singleLine()
    }
}
