import Glibc
import Logging

/// One output of log lines, in order.
///
/// ``write(_:)`` never waits for the output: a dedicated thread writes. Lines that it cannot write in time are dropped,
/// and their number is logged there as soon as writing works again.
package final class LogOutput: Sendable {
    package let destination: LogDestination
    private let queue = Monitor(LogQueue())
    private let style: LogStyle
    /// Whether the output is a terminal.
    package let isTerminal: Bool

    /// - Parameters:
    ///   - style: The style of its own notes.
    ///   - faults: The outputs for reports that it cannot write.
    /// - Throws: ``LogFailure`` when a file cannot be opened.
    package init(_ destination: LogDestination, style: LogStyle, faults: [LogOutput] = []) throws(LogFailure) {
        let file = try LogFile(destination)
        self.destination = destination
        self.isTerminal = isatty(file.descriptor) == 1
        self.style = style
        try LogWriter(file, queue: self.queue, style: style, faults: faults).start()
    }

    deinit {
        self.queue.withLock { $0.close() }
        self.queue.wakeAll()
    }

    /// - Parameter line: The line with its end. Any other text is written as it is, too.
    package func write(_ line: String) {
        if self.queue.withLock({ $0.add(line) }) {
            self.queue.wakeAll()
        }
    }

    /// Logs something about the log itself.
    func note(_ message: String, _ metadata: Logger.Metadata) {
        self.write(self.style.note(message, metadata))
    }

    /// Reopens a file: later lines go to the file that then has the name.
    package func reopen() {
        self.queue.withLock { $0.reopen() }
        self.queue.wakeAll()
    }

    /// Waits until all earlier lines are written.
    ///
    /// - Parameter deadline: Of the monotonic clock.
    func flush(until deadline: timespec) {
        _ = self.queue.wait(until: deadline) { $0.isIdle ? () : nil }
    }

    /// Waits until all earlier lines are written to all of these outputs.
    ///
    /// - Parameter milliseconds: The longest wait in total.
    package static func flush(_ outputs: some Sequence<LogOutput>, milliseconds: Int) {
        let deadline = timespec.fromNow(milliseconds: milliseconds)
        for output in outputs {
            output.flush(until: deadline)
        }
    }
}
