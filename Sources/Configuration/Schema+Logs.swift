extension Schema {
    static let logs: [SchemaKey] =
        logger + [
            // What writes log lines here, so that `RR_LOGS_CHANNELS_TCP_LEVEL` works without an entry in the file.
            SchemaKey("channels", .named(.section(channel), wellKnown: ["rr", "server", "tcp"]))
        ]

    /// The keys of `logs` itself.
    private static let logger: [SchemaKey] = [
        SchemaKey("mode"),
        SchemaKey("level"),
        SchemaKey("encoding"),
        SchemaKey("output"),
        SchemaKey("err_output"),
        SchemaKey("line_ending"),
        SchemaKey("file_logger_options", .section(fileLogger)),
        SchemaKey("format", .value, .never("`encoding` chooses the form")),
        SchemaKey("time_format", .value, .never("`encoding` chooses the form")),
        SchemaKey("skip_line_ending", .value, .never("every entry ends with `line_ending`")),
    ]

    /// The keys of one channel.
    private static let channel: [SchemaKey] = [
        SchemaKey("mode"),
        SchemaKey("level"),
        SchemaKey("encoding"),
        SchemaKey("output"),
        SchemaKey("err_output"),
        SchemaKey("line_ending"),
        SchemaKey("file_logger_options", .section(fileLogger)),
        SchemaKey("format", .value, .never("`encoding` chooses the form")),
        SchemaKey("time_format", .value, .never("`encoding` chooses the form")),
        SchemaKey("skip_line_ending", .value, .never("every entry ends with `line_ending`")),
    ]

    private static let fileLogger: [SchemaKey] = [
        SchemaKey("log_output"),
        SchemaKey("max_size"),
        SchemaKey("max_age"),
        SchemaKey("max_backups"),
        SchemaKey("compress"),
    ]
}
