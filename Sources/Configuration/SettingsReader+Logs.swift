extension SettingsReader {
    private static let modeAliases: [String: LogMode] = ["none": .off]

    func logs(from reader: inout SectionReader) throws(ConfigurationError) -> LogSettings {
        LogSettings(
            mode: try reader.choice("mode", default: .development, aliases: Self.modeAliases),
            level: try reader.choice("level", default: .debug, aliases: Self.levelAliases),
            encoding: try reader.choice("encoding"),
            output: try reader.list("output"),
            errorOutput: try reader.list("err_output"),
            lineEnding: try reader.text("line_ending", default: "\n"),
            channels: try reader.sectionOrEmpty("channels") { reader throws(ConfigurationError) in
                try self.channels(from: &reader)
            },
            fileLogger: try reader.section("file_logger_options") { reader throws(ConfigurationError) in
                try self.fileLogger(from: &reader)
            }
        )
    }

    private func channels(from reader: inout SectionReader) throws(ConfigurationError) -> [String: LogChannelSettings] {
        var channels: [String: LogChannelSettings] = [:]
        for name in reader.source.entries.map(\.key).sorted() {
            channels[name] = try reader.section(name) { reader throws(ConfigurationError) in
                try self.channel(from: &reader)
            }
        }
        return channels
    }

    private func channel(from reader: inout SectionReader) throws(ConfigurationError) -> LogChannelSettings {
        LogChannelSettings(
            mode: try reader.choice("mode", aliases: Self.modeAliases),
            level: try reader.choice("level", aliases: Self.levelAliases),
            encoding: try reader.choice("encoding"),
            output: try reader.list("output"),
            errorOutput: try reader.list("err_output"),
            lineEnding: try reader.text("line_ending"),
            fileLogger: try reader.section("file_logger_options") { reader throws(ConfigurationError) in
                try self.fileLogger(from: &reader)
            }
        )
    }

    private func fileLogger(from reader: inout SectionReader) throws(ConfigurationError) -> FileLoggerSettings {
        guard let logOutput = try reader.text("log_output") else {
            throw reader.place.error(
                .missingValue,
                "a file logger needs a file",
                key: reader.path("log_output"),
                fix: "add `log_output: /path/to/file.log`"
            )
        }
        return FileLoggerSettings(
            logOutput: logOutput,
            maxSize: try reader.integer("max_size", default: FileLoggerSettings.defaultMaxSize, in: 0...(1 << 40)),
            maxAge: try reader.integer("max_age", default: FileLoggerSettings.defaultMaxAge, in: 0...(1 << 40)),
            maxBackups: try reader.integer(
                "max_backups", default: FileLoggerSettings.defaultMaxBackups, in: 0...Int.max),
            compress: try self.compress(from: &reader)
        )
    }

    private func compress(from reader: inout SectionReader) throws(ConfigurationError) -> Bool {
        let isWanted = try reader.bool("compress", default: false)
        if isWanted, let place = reader.source["compress"]?.keyPlace {
            let message = "has no effect: files are rotated but not compressed; logrotate with SIGUSR1 can do both"
            reader.diagnostics.warn(place.warning(message, key: reader.path("compress")))
        }
        return isWanted
    }
}
