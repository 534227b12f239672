/// Every key that a configuration may have, and whether it does something: the one place to change when a feature
/// lands.
enum Schema {
    static let root: [SchemaKey] =
        [
            // `RR_VERSION` is what workers are told, and a variable cannot name the files it is read before.
            SchemaKey("version", isSettableByVariable: false),
            SchemaKey("include", isSettableByVariable: false),
            SchemaKey("envfile", isSettableByVariable: false),
            SchemaKey("server", .section(server)),
            SchemaKey("tcp", .section(tcp)),
            SchemaKey("rpc", .section(rpc)),
            SchemaKey("status", .section(status)),
            SchemaKey("metrics", .section(metrics)),
            SchemaKey("logs", .section(logs)),
            SchemaKey("endure", .section(endure)),
        ] + sectionsNotRun.map { SchemaKey($0, .anything, .notRun) }

    static let server: [SchemaKey] = [
        SchemaKey("command"),
        SchemaKey("env", .variables),
        SchemaKey("relay"),
        SchemaKey("user"),
        SchemaKey("group"),
        SchemaKey("on_init", .section(onInit)),
        SchemaKey("relay_timeout", .value, .never("`tcp.pool.allocate_timeout` limits the handshake")),
        SchemaKey("after_init", .anything, .never("only `on_init` is there")),
    ]

    static let onInit: [SchemaKey] = [
        SchemaKey("command"),
        SchemaKey("exec_timeout"),
        SchemaKey("env", .variables),
        SchemaKey("user"),
        SchemaKey("exit_on_error"),
    ]

    static let tcp: [SchemaKey] = [
        SchemaKey("servers", .named(.section(tcpServer), wellKnown: [])),
        SchemaKey("read_buf_size"),
        SchemaKey("max_packet_size"),
        SchemaKey("max_pending"),
        SchemaKey("pool", .section(pool)),
    ]

    static let tcpServer: [SchemaKey] = [
        SchemaKey("addr"),
        SchemaKey("socket_mode"),
        SchemaKey("delimiter"),
        SchemaKey("read_buf_size"),
        SchemaKey("framing"),
        SchemaKey("max_packet_size"),
    ]

    static let pool: [SchemaKey] = [
        SchemaKey("num_workers"),
        SchemaKey("max_jobs"),
        SchemaKey("max_queue_size"),
        SchemaKey("allocate_timeout"),
        SchemaKey("destroy_timeout"),
        SchemaKey("reset_timeout"),
        SchemaKey("stream_timeout", .value, .never("a TCP answer is never streamed")),
        SchemaKey("debug"),
        SchemaKey("command"),
        SchemaKey("supervisor", .section(supervisor)),
        SchemaKey("dynamic_allocator", .section(dynamicAllocator)),
    ]

    static let supervisor: [SchemaKey] = [
        SchemaKey("watch_tick"),
        SchemaKey("ttl"),
        SchemaKey("idle_ttl"),
        SchemaKey("exec_ttl"),
        SchemaKey("max_worker_memory"),
    ]

    static let dynamicAllocator: [SchemaKey] = [
        SchemaKey("max_workers"),
        SchemaKey("spawn_rate"),
        SchemaKey("idle_timeout"),
    ]

    static let rpc: [SchemaKey] = [
        SchemaKey("listen")
    ]

    static let status: [SchemaKey] = [
        SchemaKey("address"),
        SchemaKey("unavailable_status_code"),
        SchemaKey("check_timeout"),
        SchemaKey("unavailable_after"),
    ]

    static let metrics: [SchemaKey] = [
        SchemaKey("address"),
        SchemaKey("collect", .anything, .never("application metrics need the RPC interface")),
    ]

    static let endure: [SchemaKey] = [
        SchemaKey("grace_period"),
        SchemaKey("drain_delay"),
        SchemaKey("drain_idle"),
        SchemaKey("log_level", .value, .never("`logs.channels.rr.level` is the level of the service's own log")),
        SchemaKey("print_graph", .value, .never("there is no plugin graph")),
        SchemaKey("watchdog_sec", .value, .never("systemd tells it itself: `WatchdogSec=` of the unit")),
    ]
}
