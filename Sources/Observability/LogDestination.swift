/// Where lines go.
package enum LogDestination: Sendable, Hashable {
    case standardOutput
    case standardError
    /// Appended to; opened anew when a tool such as logrotate has put it aside and says so.
    case file(path: String, rotation: LogRotation?)

    /// What the file is called; for messages.
    package var name: String {
        switch self {
        case .standardOutput: "stdout"
        case .standardError: "stderr"
        case .file(let path, _): path
        }
    }
}

/// A log cannot be written where it should; in one line.
package struct LogFailure: Error, Sendable, CustomStringConvertible {
    package var description: String
}
