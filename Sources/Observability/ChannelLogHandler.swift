import Glibc
import Logging

/// The log handler of one channel (`logs.channels`): a level, and the outputs of its lines with their styles.
package struct ChannelLogHandler: LogHandler {
    /// An output, and the style of its lines.
    package struct Target: Sendable {
        var output: LogOutput
        var style: LogStyle

        package init(_ output: LogOutput, _ style: LogStyle) {
            self.output = output
            self.style = style
        }
    }

    private let channel: String
    private let targets: [Target]
    private let channelLevel: LogLevelSwitch
    /// The level of this logger alone.
    private var ownLevel: Logger.Level?
    package var metadata: Logger.Metadata = [:]

    /// - Parameter channel: The name that each line shows: `rr`, `server`, `tcp`.
    package init(channel: String, level: LogLevelSwitch, targets: [Target]) {
        self.channel = channel
        self.channelLevel = level
        self.targets = targets
    }

    package var logLevel: Logger.Level {
        get { self.ownLevel ?? self.channelLevel.level }
        set { self.ownLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let time = timespec.now
        let entry = LogEntry(
            level: event.level,
            channel: self.channel,
            message: event.message.description,
            metadata: event.metadata.map { self.metadata.merging($0) { $1 } } ?? self.metadata
        )
        var rendered: (style: LogStyle, line: String)?
        for target in self.targets {
            let line = rendered?.style == target.style ? rendered?.line : nil
            let text = line ?? target.style.line(entry, at: time)
            rendered = (target.style, text)
            target.output.write(text)
        }
    }
}
