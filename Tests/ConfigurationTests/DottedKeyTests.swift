import Addresses
import Testing

@testable import Application
@testable import Configuration

/// A dot in a key of the file leads into a section, as in RoadRunner; names that the user gives keep theirs.
@Suite struct DottedKeyTests {
    private static let head = "version: '3'\nserver: {command: php}\n"

    @Test(arguments: [
        ("tcp: {servers: {a: {addr: ':1'}}, pool.num_workers: 7}", "tcp.pool.num_workers", "7", 3),
        ("tcp: {servers: {a: {addr: ':1'}}, pool.num_workers: '${N}'}", "tcp.pool.num_workers", "8", 3),
        ("tcp:\n  servers: {a: {addr: ':1'}}\n  pool.debug: true", "tcp.pool.debug", "true", 5),
        ("tcp:\n  servers: {a: {addr: ':1'}}\n  Pool.Supervisor.TTL: 1h", "tcp.pool.supervisor.ttl", "1h0m0s", 5),
        ("tcp.servers: {a: {addr: ':1'}}\ntcp.pool: {supervisor.ttl: 1h}", "tcp.pool.supervisor.ttl", "1h0m0s", 4),
        ("tcp: {servers: {a: {addr: ':1'}}}\nlogs.level: info", "logs.level", "info", 4),
        ("tcp.servers.a.addr: ':1'\nlogs.level: info", "tcp.servers.a.addr", ":1", 3),
        ("tcp: {servers: {a.addr: ':1'}}", "tcp.servers.a.addr", ":1", 3),
        ("tcp: {servers.a: {addr: ':1'}}", "tcp.servers.a.addr", ":1", 3),
        ("tcp: {servers.a.addr: ':1'}", "tcp.servers.a.addr", ":1", 3),
        ("tcp.servers.a.addr: ':1'\nlogs: {channels: {rpc.level: error}}", "logs.channels.rpc.level", "error", 4),
        ("tcp.servers.a.addr: ':1'\nlogs.channels.x.y.level: error", "logs.channels.x.y.level", "error", 4),
        (
            "tcp.servers.a.addr: ':1'\nlogs: {channels: {r.file_logger_options.log_output: f}}",
            "logs.channels.r.file_logger_options.log_output", "f", 4
        ),
        (
            "tcp.servers.a.addr: ':1'\nlogs: {channels: {r.file_logger_options: {log_output: f}}}",
            "logs.channels.r.file_logger_options.log_output", "f", 4
        ),
        ("tcp.servers.a.addr: ':1'\nserver.env: {A.B: x}", "server.env.A.B", "x", 4),
        ("tcp.servers.a.addr: ':1'\nserver.env.a.b: x", "server.env.A.B", "x", 4),
        ("tcp.servers.a.addr: ':1'\nserver.env: [{A: x}]", "server.env.A", "x", 4),
        ("tcp.servers.a.addr: ':1'\nserver.on_init.command: [x]", "server.on_init.command", "x", 4),
    ])
    func aDotLeadsIntoASection(text: String, key: String, value: String, line: Int) throws {
        let loaded = try load(Self.head + text + "\n", environment: ["N": "8"])
        let leaf = loaded.effective.leaves.first { $0.path == key }
        #expect(leaf?.values.map(\.text) == [value])
        #expect(leaf?.origin == .file(file: loaded.file, line: line))
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.explanation().contains("\(loaded.file):\(line)\n"))
    }

    @Test(arguments: [
        ("my.server: {addr: ':1'}", "my.server"), ("a.addr: {addr: ':1'}", "a.addr"), ("a.b.addr: ':1'", "a.b"),
        ("my.server: {addr: ':1'}, my.server.delimiter: x", "my.server"), (".addr.addr: ':1'", ".addr"),
        ("a.addr: ':1', a: {delimiter: x}", "a"), ("a..addr: ':1'", "a."), ("a: ~, a.addr: ':1'", "a"),
    ])
    func namesKeepTheirDots(text: String, name: String) throws {
        let loaded = try load(Self.head + "tcp: {servers: {\(text)}}\n")
        #expect(loaded.settings.tcp.servers.map(\.name) == [name])
        #expect(loaded.settings.tcp.servers.map(\.address) == [.tcp(host: "", port: 1)])
        #expect(loaded.warnings.isEmpty)
        #expect(try load(loaded.yaml()).settings == loaded.settings)
    }

    @Test func severalKeysMakeOneServer() throws {
        let text = "tcp.servers.a.addr: ':1'\ntcp: {servers.a.delimiter: x, servers: {a.framing: split, b.addr: ':2'}}"
        let servers = try load(Self.head + text).settings.tcp.servers
        #expect(servers.map(\.name) == ["a", "b"])
        #expect(servers.first?.delimiter == [0x78])
        #expect(servers.first?.framing == .split)
    }

    @Test(arguments: [
        ("tcp:\n  pool: {num_workers: 2}\n  pool.num_workers: 3", "tcp.pool.num_workers", 6, 5),
        ("tcp:\n  pool.num_workers: 3\n  pool: {num_workers: 2}", "tcp.pool.num_workers", 6, 5),
        ("tcp.pool.num_workers: 3\ntcp: {pool: {num_workers: 2}}", "tcp.pool.num_workers", 5, 4),
        ("tcp.pool.num_workers: 3\nTCP:\n  Pool.Num_Workers: 2", "tcp.pool.num_workers", 6, 4),
        ("tcp.pool.debug: true\ntcp.pool: 5", "tcp.pool", 5, 4), ("logs: []\nlogs.level: info", "logs", 5, 4),
        ("tcp.servers.a.delimiter: x\ntcp: {servers: {a: {delimiter: y}}}", "tcp.servers.a.delimiter", 5, 4),
        ("server.env.a: x\nserver.env.A: y", "server.env.a", 5, 4),
        ("server.env: [{A: x}]\nserver.env.b: y", "server.env", 5, 4),
    ])
    func theSameKeyBothWaysNamesBothLines(text: String, key: String, line: Int, first: Int) throws {
        let error = try failure(Self.head + "tcp.servers.a.addr: ':1'\n" + text + "\n")
        #expect(error.code == .invalidYAML)
        #expect(error.key == key)
        #expect(error.line == line)
        #expect(error.message.hasPrefix("the key `\(key)` is there twice"))
        #expect(error.message.hasSuffix("first at line \(first)"))
        #expect(error.fix == "remove one")
    }

    /// As with keys that are spelled the same: what is written wins over what is merged, the first merge over the next.
    @Test(arguments: [
        ("&x {pool.num_workers: 2}", "<<: *x, pool: {num_workers: 3, max_jobs: 4}", "3 4"),
        ("&x {pool: {num_workers: 2, max_jobs: 4}}", "<<: *x, pool.num_workers: 3", "3 4"),
        ("&x {Pool.Num_Workers: 2}", "pool.num_workers: 3, pool.max_jobs: 4, <<: *x", "3 4"),
        ("[&x {pool.num_workers: 3}, &y {pool: {num_workers: 2, max_jobs: 4}}]", "<<: [*x, *y]", "3 4"),
        (
            "[&x {pool.num_workers: 2, pool.max_jobs: 4}, &y {<<: *x, pool: {num_workers: 3}}]",
            "<<: *y, read_buf_size: 5", "3 4"
        ),
        ("&x {pool.num_workers: 3, pool.max_jobs: 4}", "<<: *x, pool: ~", "3 4"),
        ("&x {pool.num_workers: 2}", "<<: *x, pool.num_workers: 3, pool.max_jobs: 4", "3 4"),
    ])
    func whatIsWrittenWinsOverWhatIsMerged(anchors: String, tcp: String, workersAndJobs: String) throws {
        let text = "\(Self.head)http: \(anchors)\ntcp: {servers.a.addr: ':1', \(tcp)}\n"
        let pool = try load(text).settings.tcp.pool
        #expect("\(pool.numWorkers) \(pool.maxJobs)" == workersAndJobs)
    }

    @Test func aMergedSectionOfNamesIsAddedTo() throws {
        let merged = "http: &a {channels: {tcp: {level: info, mode: raw}}}\n"
        let loaded = try load(minimal + merged + "logs: {<<: *a, channels.tcp.level: warn}\n")
        #expect(loaded.settings.logs.channels["tcp"]?.level == .warn)
        #expect(loaded.settings.logs.channels["tcp"]?.mode == .raw)
        #expect(loaded.origin("logs.channels.tcp.level") == .file(file: loaded.file, line: 6))
    }

    @Test func bothWaysInOneMergedMappingIsAnError() throws {
        let merged = "http: &a {pool.num_workers: 2,\n  pool: {num_workers: 3}}\n"
        let error = try failure(Self.head + merged + "tcp: {servers.a.addr: ':1', <<: *a}\n")
        #expect((error.key, error.line) == ("tcp.pool.num_workers", 4))
        let alias = "http: &a {num_workers: 2}\ntcp: {servers.a.addr: ':1', pool.num_workers: 3, pool: *a}\n"
        let ordered = try failure(Self.head + alias)
        #expect(ordered.line == 4)
        #expect(ordered.message.hasSuffix("first at line 3"))
    }

    @Test func manyMergesEnd() throws {
        let anchors = (0..<5000).map { "  - &a\($0) {env.v\($0): x}\n" }.joined()
        let merges = (0..<5000).map { "*a\($0)" }.joined(separator: ", ")
        let text = "version: '3'\nhttp:\n\(anchors)server: {command: php, <<: [\(merges)]}\n"
        #expect(try load(text + "tcp.servers.a.addr: ':1'\n").settings.server.environment.count == 5000)
    }

    @Test func includesAreLaidUnderAsEver() throws {
        let sandbox = try Sandbox([
            "rr.yaml": Self.head + "include: more.yaml\ntcp:\n  servers.a.addr: ':1'\n  pool: {num_workers: 2}\n",
            "more.yaml": "version: '3'\ntcp.pool.num_workers: 5\ntcp: {pool.max_jobs: 6, servers: {a.delimiter: x}}\n",
        ])
        let loaded = try sandbox.load(environment: ["RR_TCP_SERVERS_A_FRAMING": "split"])
        #expect(loaded.settings.tcp.pool.numWorkers == 2)
        #expect(loaded.settings.tcp.pool.maxJobs == 6)
        #expect(loaded.settings.tcp.servers.map(\.delimiter) == [[0x78]])
        #expect(loaded.settings.tcp.servers.map(\.framing) == [.split])
        #expect(loaded.origin("tcp.pool.num_workers") == .file(file: sandbox.path("rr.yaml"), line: 6))
        #expect(loaded.origin("tcp.pool.max_jobs") == .include(file: sandbox.path("more.yaml"), line: 3))
    }

    @Test(arguments: [
        ("http.pool.num_workers: 4", "http", "section `http` is not run by this service"),
        ("http: {a: 1}\nhttp.a: 2", "http", "section `http` is not run by this service"),
        ("tpc.pool.num_workers: 4", "tpc", "unknown section `tpc`, ignored; did you mean `tcp`?"),
        ("logs.levle: info", "logs.levle", "unknown key, ignored; did you mean `level`?"),
        ("logs.level.x: info", "logs.level.x", "unknown key, ignored"),
        ("logs..level: info", "logs.", "unknown key, ignored"), ("logs.: info", "logs.", "unknown key, ignored"),
        ("tcp.servers.main.adr: ':1'", "tcp.servers.main.adr", "unknown key, ignored; did you mean `addr`?"),
        ("logs.channels.x.levle: info", "logs.channels.x.levle", "unknown key, ignored; did you mean `level`?"),
        ("server.after_init.a.b: 1", "server.after_init", "has no effect: only `on_init` is there"),
    ])
    func whatIsUnknownIsReportedAsEver(text: String, key: String, message: String) throws {
        let text = minimal.replacing("tcp:\n  servers:", with: "tcp.servers:") + text + "\n"
        let warnings = try load(text).warnings
        #expect(warnings.map(\.message) == [message])
        #expect(warnings.map(\.key) == [key])
        #expect(warnings.first?.line == 4)
    }

    @Test func aSingleValueIsNoServer() throws {
        let error = try failure(Self.head + "tcp:\n  servers:\n    my.server: ':7777'\n")
        #expect(error.message == "empty address for the server: my")
        #expect(error.line == 5)
    }

    @Test func manyDotsEnd() throws {
        let names = (0..<300).map { "tcp.servers.s\($0).addr: ':\($0 + 1)'\n" }.joined()
        #expect(try load(Self.head + names).settings.tcp.servers.count == 300)
        let variables = (0..<20_000).map { "server.env.v\($0): x\n" }.joined()
        #expect(try load(minimal + variables).settings.server.environment.count == 20_000)
        let dots = String(repeating: "a.", count: 100_000)
        let loaded = try load(minimal + "? logs.channels.\(dots)level\n: info\n? http.\(dots)\n: x\n")
        #expect(loaded.settings.logs.channels.keys.map(\.utf8.count) == [dots.utf8.count - 1])
        #expect(loaded.warnings.count == 1)
    }
}
