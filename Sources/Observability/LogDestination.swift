/// The destination of log lines.
package enum LogDestination: Sendable, Hashable {
    case standardOutput
    case standardError
    /// A file that is appended to, and reopened when a tool such as logrotate has moved it and sent a signal.
    case file(path: String, rotation: LogRotation?)

    /// The name of the destination, for messages.
    package var name: String {
        switch self {
        case .standardOutput: "stdout"
        case .standardError: "stderr"
        case .file(let path, _): path
        }
    }
}

/// A failure to open or write a log, in one line.
package struct LogFailure: Error, Sendable, CustomStringConvertible {
    package var description: String
}
