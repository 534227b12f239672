import Configuration
import Testing

@testable import Application

@Suite struct ServerTests {
    @Test(
        arguments: [
            (#""\n""#, [10]), (#""\r\n""#, [13, 10]), ("'|'", [0x7C]), (#""\0""#, [0]), ("5", [0x35]),
            (#""\u00ff""#, [0xC3, 0xBF]),
            ("'$'", [0x24]), ("!!binary /wA=", [0xFF, 0]), ("END", [0x45, 0x4E, 0x44]), ("' '", [0x20]),
        ] as [(String, [UInt8])])
    func delimiters(text: String, bytes: [UInt8]) throws {
        #expect(try loadServer("addr: ':1', delimiter: \(text)").0.delimiter == bytes)
    }

    @Test(arguments: ["!!binary ''", "!!binary '*'", "[a]"])
    func otherDelimitersAreRefused(_ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try loadServer("addr: ':1', delimiter: \(text)") }
        #expect(error?.code == .invalidValue)
        #expect(error?.key == "tcp.servers.main.delimiter")
    }

    @Test(arguments: [#"'\r\n'"#, #"\n"#, #"'a\x00'"#, "'$E'"])
    func aDelimiterThatIsWrittenAsAnEscapeIsReported(_ text: String) throws {
        let (server, loaded) = try loadServer("addr: ':1', delimiter: \(text)", environment: ["E": #"\r\n"#])
        let literal = text == "'$E'" ? #"\r\n"# : text.filter { $0 != "'" }
        #expect(server.delimiter == Array(literal.utf8))
        #expect(
            loaded.warnings.map(\.description) == [
                "\(loaded.file):3:47: tcp.servers.main.delimiter: `\(literal)` is taken as it is written, backslashes "
                    + "included; for the bytes that it stands for write \"\(literal)\" in double quotes (YAML), or "
                    + "$'\(literal)' (shell)"
            ])
    }

    @Test(arguments: [#""\r\n""#, #""\\""#, #"'\'"#, #"'\|'"#, "!!binary XHJcbg=="])
    func otherBackslashesAreFine(_ text: String) throws {
        #expect(try loadServer("addr: ':1', delimiter: \(text)").1.warnings.isEmpty)
    }

    @Test(arguments: ["'$NONE'", "''"])
    func anEmptyDelimiterIsTheDefault(_ text: String) throws {
        let (server, loaded) = try loadServer("addr: ':1', delimiter: \(text)")
        #expect(server.delimiter == [13, 10])
        #expect(loaded.warnings("tcp.servers.main.delimiter").count == 1)
    }

    @Test(arguments: [
        ("1", 1 << 20), ("100", 100 << 20), ("0", 1 << 20), ("'2'", 2 << 20), ("4KB", 4 << 10), ("7B", 7),
        ("1 GB", 1 << 30),
        ("2mb", 2 << 20),
    ])
    func readBuffers(text: String, bytes: Int) throws {
        let (server, loaded) = try loadServer("addr: ':1', read_buf_size: \(text)")
        #expect(server.readBufferSize == bytes)
        #expect(loaded.warnings.isEmpty)
    }

    @Test func aLargeReadBufferIsBytes() throws {
        let (server, loaded) = try loadServer("addr: ':1', read_buf_size: 50485760")
        #expect(server.readBufferSize == 50_485_760)
        #expect(loaded.warnings("tcp.servers.main.read_buf_size").first?.contains("read as 50485760 bytes") == true)
        #expect(try loadServer("addr: ':1', read_buf_size: 101").0.readBufferSize == 101)
    }

    @Test func aPacketMayBeLarge() throws {
        #expect(try loadServer("addr: ':1', max_packet_size: 1024").0.maxPacketSize == 1 << 30)
    }

    @Test(arguments: [
        "read_buf_size: -1", "read_buf_size: 9223372036854775807", "read_buf_size: 1e30", "max_packet_size: 0",
        "max_packet_size: -5", "max_packet_size: 9223372036854775807", "max_packet_size: 99999999999999999999GB",
        "max_packet_size: 2000000",
    ])
    func sizesHaveARange(_ keys: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try loadServer("addr: ':1', \(keys)") }
        #expect(error?.code == .outOfRange)
    }

    @Test(arguments: [
        "read_buf_size: big", "max_packet_size: 5XB", "max_packet_size: MB", "max_packet_size: -1KB", "framing: merged",
    ])
    func otherValuesAreRefused(_ keys: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try loadServer("addr: ':1', \(keys)") }
        #expect(error?.code == .invalidValue)
        #expect(error?.line == 3)
    }

    @Test(arguments: [
        (#""0660""#, 0o660), ("0660", 0o660), ("'0o600'", 0o600), ("0o600", 0o600), ("0777", 0o777), ("0000", 0),
    ])
    func socketModes(text: String, mode: UInt32) throws {
        #expect(try loadServer("addr: 'unix:///x', socket_mode: \(text)").0.socketMode == mode)
    }

    @Test(arguments: ["660", "'660'", "432", "0x1b0", "0888", "01777", "'u=rw'", "-0660", "0.660", "'0 66'", "true"])
    func modesThatAreNone(text: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try loadServer("addr: 'unix:///x', socket_mode: \(text)")
        }
        #expect(error?.key?.hasSuffix(".socket_mode") == true)
        #expect(error?.description.contains(#""0660""#) == true)
    }

    @Test func aModeIsOfUnixSocketsOnly() throws {
        #expect(try loadServer("addr: 'unix:///x'").0.socketMode == nil)
        let (server, loaded) = try loadServer("addr: ':1', socket_mode: '0660'")
        #expect(server.socketMode == 0o660)
        #expect(loaded.warnings.contains { "\($0)".contains("unix socket") })
    }

    @Test func dispatch() throws {
        #expect(try loadServer("addr: ':1'").0.dispatch == .free)
        let (server, loaded) = try loadServer("addr: ':1', dispatch: ip, sticky_wait: 50ms")
        #expect(server.dispatch == .ip && server.stickyWait == .milliseconds(50) && loaded.warnings.isEmpty)
        let free = try loadServer("addr: ':1', sticky_wait: 50ms").1
        #expect(free.warnings.contains { "\($0)".contains("sticky_wait") }, "\(free.warnings)")
        let error = #expect(throws: ConfigurationError.self) { try loadServer("addr: ':1', dispatch: uid") }
        #expect(error?.key?.hasSuffix(".dispatch") == true)
        #expect(error?.description.contains("connection") == true)
    }

    @Test func framings() throws {
        #expect(try loadServer("addr: ':1', framing: split").0.framing == .split)
        #expect(try loadServer("addr: ':1', framing: Merge").0.framing == .merge)
        let error = #expect(throws: ConfigurationError.self) { try loadServer("addr: ':1', framing: splitt") }
        #expect(error?.fix == "did you mean `split`? use one of merge, split, length, fixed, raw, rules")
    }

    @Test func poolBounds() throws {
        let keys =
            "max_jobs: 9, max_queue_size: 8, dynamic_allocator: {max_workers: 0, spawn_rate: 100, idle_timeout: 5s}"
        let (pool, _) = try loadPool(keys)
        #expect(pool.maxJobs == 9)
        #expect(pool.maxQueueSize == 8)
        #expect(
            pool.dynamicAllocator == DynamicAllocatorSettings(maxWorkers: 10, spawnRate: 100, idleTimeout: .seconds(5)))
        for wrong in [
            "max_jobs: -1", "max_queue_size: -1", "supervisor: {max_worker_memory: -1}",
            "dynamic_allocator: {spawn_rate: 101}",
        ] {
            let error = #expect(throws: ConfigurationError.self) { try loadPool(wrong) }
            #expect(error?.code == .outOfRange)
        }
    }

    @Test func theSupervisorIsReadWhole() throws {
        let (pool, _) = try loadPool(
            "supervisor: {watch_tick: 1s, ttl: 2s, idle_ttl: 3s, exec_ttl: 4s, max_worker_memory: 5}")
        let expected = SupervisorSettings(
            watchTick: .seconds(1),
            ttl: .seconds(2),
            idleTTL: .seconds(3),
            execTTL: .seconds(4),
            maxWorkerMemory: 5
        )
        #expect(pool.supervisor == expected)
    }

    @Test func logsAreReadWhole() throws {
        let text =
            minimal + """
                logs:
                  mode: none
                  level: WARNING
                  encoding: json
                  line_ending: "\\r\\n"
                  file_logger_options: {log_output: a.log, max_size: 1, max_age: 2, max_backups: 3, compress: yes}
                  channels:
                    HTTP: {level: panic}
                    tcp: {mode: raw, encoding: console, output: [stdout]}
                """
        let logs = try load(text).settings.logs
        #expect(logs.all.mode == .off)
        #expect(logs.all.level == .warn)
        #expect(logs.all.encoding == .json)
        #expect(logs.all.lineEnding == "\r\n")
        #expect(
            logs.all.fileLogger
                == FileLoggerSettings(logOutput: "a.log", maxSize: 1, maxAge: 2, maxBackups: 3, compress: true))
        #expect(logs.channels["http"] == LoggerSettings(level: .panic))
        #expect(logs.channels["tcp"] == LoggerSettings(mode: .raw, encoding: .console, output: ["stdout"]))
    }

    @Test(arguments: [
        ("logs: {level: loud}", "logs.level"), ("logs: {mode: prod}", "logs.mode"),
        ("logs: {encoding: xml}", "logs.encoding"),
        ("logs: {channels: {tcp: {level: x}}}", "logs.channels.tcp.level"), ("logs: []", "logs"), ("rpc: text", "rpc"),
        ("status: {}", "status.address"),
        ("status: {address: ':1', unavailable_status_code: 399}", "status.unavailable_status_code"),
        ("status: {address: ':1', unavailable_status_code: 600}", "status.unavailable_status_code"),
        ("status: {address: ':1', unavailable_status_code: 200}", "status.unavailable_status_code"),
        ("rpc: {listen: 'tcp//not_exist'}", "rpc.listen"), ("rpc: {listen: '127.0.0.1:6001'}", "rpc.listen"),
        ("rpc: {listen: 'tcp://x'}", "rpc.listen"), ("rpc: {listen: 'unix://'}", "rpc.listen"),
        ("logs: {file_logger_options: {}}", "logs.file_logger_options.log_output"),
        ("endure: {log_level: x}", "endure.log_level"),
        ("endure: {grace_period: 5s, drain_delay: 5s}", "endure.drain_delay"),
        ("metrics: {address: x}", "metrics.address"), ("rpc: {listen: [a]}", "rpc.listen"),
    ])
    func faultsNameTheirKey(text: String, key: String) throws {
        let error = try failure(minimal + text + "\n")
        #expect(error.key == key)
        #expect(error.line == 5)
        #expect(error.column != nil)
    }

    @Test func anAddressForRPCHasAScheme() throws {
        let error = try failure(minimal + "rpc: {listen: 'tcp//not_exist'}\n")
        #expect(error.code == .invalidValue)
        #expect(
            error.description.hasSuffix(
                "rr.yaml:5:15: rpc.listen: invalid socket DSN (tcp://:6001, unix://file.sock): tcp//not_exist "
                    + "(use tcp://host:port or unix://path)"))
        for listen in ["tcp://:6001", " tcp://127.0.0.1:6001 ", "unix://rr.sock", "tcp://[::1]:1"] {
            let trimmed = listen.filter { $0 != " " }
            #expect(try load(minimal + "rpc: {listen: '\(listen)'}\n").settings.rpc?.listen == trimmed)
        }
    }

    @Test func aDescriptionIsOneLine() throws {
        let sandbox = try Sandbox(["rr.yaml": minimal + "logs: {level: inof}\n"])
        let error = try failure { () throws(ConfigurationError) in try sandbox.load() }
        #expect(
            error.description
                == "\(sandbox.path("rr.yaml")):5:15: logs.level: `inof` is not known "
                + "(did you mean `info`? use one of debug, info, warn, error, panic, fatal)"
        )
    }
}
