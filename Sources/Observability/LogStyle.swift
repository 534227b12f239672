import Glibc
import Logging

/// A format and its line ending.
package struct LogStyle: Sendable, Hashable {
    package var format: LogFormat
    package var lineEnding: String

    package init(_ format: LogFormat, lineEnding: String = "\n") {
        self.format = format
        self.lineEnding = lineEnding
    }

    /// A whole line about the log itself.
    func note(_ message: String, _ metadata: Logger.Metadata) -> String {
        let entry = LogEntry(level: .error, channel: "rr", message: message, metadata: metadata)
        // The raw format would omit the metadata, which is essential here.
        let format = self.format == .raw ? .console : self.format
        return format.line(entry, at: .now) + self.lineEnding
    }

    func line(_ entry: LogEntry, at time: timespec) -> String {
        self.format.line(entry, at: time) + self.lineEnding
    }
}
