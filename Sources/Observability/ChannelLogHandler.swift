public import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The log handler of one channel (`logs.channels`): a format, a level, a sink.
public struct ChannelLogHandler: LogHandler {
    private let channel: String
    private let format: LogFormat
    private let sink: LogSink
    private let channelLevel: LogLevelSwitch
    /// A level of this logger's own.
    private var ownLevel: Logger.Level?
    public var metadata: Logger.Metadata = [:]

    /// - Parameter channel: The name that each line shows: `rr`, `server`, `tcp`.
    public init(channel: String, format: LogFormat, level: LogLevelSwitch, sink: LogSink) {
        self.channel = channel
        self.format = format
        self.channelLevel = level
        self.sink = sink
    }

    public var logLevel: Logger.Level {
        get { self.ownLevel ?? self.channelLevel.level }
        set { self.ownLevel = newValue }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let metadata = event.metadata.map { self.metadata.merging($0) { $1 } } ?? self.metadata
        let entry = LogEntry(
            level: event.level,
            channel: self.channel,
            message: event.message.description,
            metadata: metadata
        )
        self.sink.write(self.format.line(entry, at: time))
    }
}
