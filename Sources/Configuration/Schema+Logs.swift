extension Schema {
    static let logs: [SchemaKey] =
        logger + [
            // What writes log lines here, so that `RR_LOGS_CHANNELS_TCP_LEVEL` works without an entry in the file.
            SchemaKey("channels", .named(.section(channel), wellKnown: ["server", "tcp"]))
        ]

    /// The keys of `logs` itself.
    private static let logger: [SchemaKey] = [
        SchemaKey("mode"),
        SchemaKey("level"),
        SchemaKey("encoding"),
        SchemaKey("output", .value, .later),
        SchemaKey("err_output", .value, .later),
        SchemaKey("line_ending", .value, .later),
        SchemaKey("file_logger_options", .section(fileLogger), .later),
        SchemaKey("format", .value, .never("`encoding` chooses the form")),
        SchemaKey("time_format", .value, .never("`encoding` chooses the form")),
        SchemaKey("skip_line_ending", .value, .never("every entry ends with `line_ending`")),
    ]

    /// The keys of one channel.
    private static let channel: [SchemaKey] = [
        SchemaKey("mode"),
        SchemaKey("level"),
        SchemaKey("encoding"),
        SchemaKey("output", .value, .later),
        SchemaKey("err_output", .value, .later),
        SchemaKey("line_ending", .value, .later),
        SchemaKey("file_logger_options", .section(fileLogger), .later),
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
