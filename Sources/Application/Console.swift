import Configuration
import Glibc
import Logging
import Observability
import Text

/// Prints lines for the user who started the program, as RoadRunner does. They are not part of the log, but are JSON if
/// the log is.
package struct Console: Sendable {
    private let isJSON: Bool

    package init() {
        self.isJSON = false
    }

    /// A log collector that expects lines of JSON must not find others among them.
    ///
    /// - Parameter settings: The log's settings; those of the channel `rr` apply.
    package init(_ settings: LogSettings) {
        self.isJSON = LogFormat(settings, channel: "rr") == .json
    }

    /// How long a stuck terminal or pipe may block a caller.
    private static let patienceMilliseconds: Int32 = 250

    package func info(_ message: String) {
        self.write(.info, "[INFO]", message, to: STDOUT_FILENO)
    }

    package func warning(_ message: String) {
        self.write(.warning, "[WARN]", message, to: STDERR_FILENO)
    }

    package func error(_ message: String) {
        self.write(.error, "[ERROR]", message, to: STDERR_FILENO)
    }

    private func write(_ level: Logger.Level, _ word: String, _ message: String, to descriptor: Int32) {
        let text =
            self.isJSON ? LogFormat.json.line(level, "rr", message) : "\(word) \(message.singleLine(keepsTabs: true))"
        // A pipe that is ready takes a page without blocking.
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&entry, 1, Self.patienceMilliseconds) != 0 else {
            return
        }
        var line = text + "\n"
        line.withUTF8 { bytes in
            // A failure to write here cannot be reported anywhere else.
            _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
    }
}
