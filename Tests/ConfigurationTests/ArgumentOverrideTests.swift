import Addresses
import Testing

@testable import Application
@testable import Configuration

@Suite struct ArgumentOverrideTests {
    @Test(arguments: [
        ("a.b=c", "a.b", "c"), ("A.B = c d ", "a.b", "c d"), ("a='x'", "a", "x"), ("a=\"x\\\"y\"", "a", "x\"y"),
        ("'a=b'", "a", "b'"), ("a=b=c", "a", "b=c"), ("a=`x`", "a", "x"),
    ])
    func arguments(text: String, key: String, value: String) throws {
        #expect(try OverrideArguments.parse(text) == OverrideArguments.Argument(key: key, value: value))
    }

    @Test(arguments: ["", "a", "=b", "a=", "a=''", "a= ", " = "])
    func otherArgumentsAreRefused(_ text: String) {
        let error = #expect(throws: ConfigurationError.self) { try OverrideArguments.parse(text) }
        #expect(error?.code == .invalidOverride)
        #expect(error?.file == "-o")
    }

    @Test func anEmptyValueSaysWhatToDo() throws {
        #expect(
            try failure(minimal, overrides: [" tcp.servers.main.delimiter = "]).description
                == "-o: tcp.servers.main.delimiter: value should not be empty "
                + "(leave the option out, or quote white space: -o \"tcp.servers.main.delimiter=' '\")")
        let loaded = try load(minimal, overrides: [" tcp.servers.main.delimiter = ' ' "])
        #expect(loaded.settings.tcp.servers.map(\.delimiter) == [[0x20]])
    }

    @Test func bytesThatAreNoTextAreRefused() throws {
        #expect(
            try failure(minimal, overrides: ["tcp.servers.main.delimiter=\u{FFFD}"]).description
                == "-o: `tcp.servers.main.delimiter=\u{FFFD}` is not UTF-8 "
                + "(set a variable to these bytes, and write -o 'key=${NAME}')")
    }

    @Test func overridesWinOverEverything() throws {
        let environment = ["RR_TCP_POOL_NUM_WORKERS": "8", "N": "10"]
        let loaded = try load(
            minimal + "rpc: {listen: 'tcp://x:1'}\n",
            environment: environment,
            overrides: [
                "tcp.pool.num_workers=9", "TCP.Pool.Num_Workers=${N}", "logs.output=stdout,b.log", "server.env.a=1",
            ]
        )
        #expect(loaded.settings.tcp.pool.numWorkers == 10)
        #expect(loaded.settings.logs.all.output == ["stdout", "b.log"])
        #expect(loaded.settings.server.environment == [EnvironmentEntry(name: "A", value: "1")])
        #expect(loaded.origin("tcp.pool.num_workers") == .override)
    }

    @Test func overridesMakeServers() throws {
        let loaded = try load(minimal, overrides: ["tcp.servers.Other.addr=:1", "tcp.servers.a.b.addr=:2"])
        #expect(loaded.settings.tcp.servers.map(\.name) == ["a.b", "main", "other"])
        #expect(
            try load("version: '3'\nserver: {command: php}\n", overrides: ["tcp.servers.a.addr=:1"]).settings.tcp
                .servers.count == 1)
    }

    @Test func namesWithDotsAreFoundFirst() throws {
        let text = "version: '3'\nserver: {command: php}\ntcp: {servers: {a.b: {addr: ':1'}}}\n"
        #expect(
            try load(text, overrides: ["tcp.servers.a.b.addr=:2"]).settings.tcp.servers.map(\.address) == [
                .tcp(host: "", port: 2)
            ])
    }

    @Test(arguments: [
        ("tcp.pool.num_worker=1", "did you mean `tcp.pool.num_workers`?"), ("tpc.pool=1", "did you mean `tcp`?"),
        ("nothing.like.it=1", "unknown key, ignored"), ("tcp.servers.main.adr=:1", "unknown key, ignored"),
        ("version.x=1", "unknown key"), ("server.command.x=1", "unknown key"), ("=.=x.=1", ""),
    ])
    func unknownKeysAreReported(argument: String, message: String) throws {
        guard !message.isEmpty else { return }
        let loaded = try load(minimal, overrides: [argument])
        #expect(loaded.warnings.count == 1)
        #expect(loaded.warnings.first?.description.hasPrefix("-o: ") == true)
        #expect(loaded.warnings.first?.message.contains(message) == true)
    }

    @Test func sectionsThatAreNotRunAreReported() throws {
        let loaded = try load(minimal, overrides: ["http.pool.num_workers=1"])
        #expect(loaded.warnings.map(\.message) == ["section `http` is not run by this service"])
    }

    @Test(arguments: ["tcp=1", "tcp.pool=1", "tcp.servers=1", "tcp.servers.main=1", "server.env=1"])
    func sectionsTakeNoValue(_ argument: String) throws {
        let error = try failure(minimal, overrides: [argument])
        #expect(error.code == .invalidOverride)
        #expect(error.message == "is a section")
    }

    @Test func faultsNameTheOption() throws {
        let error = try failure(minimal, overrides: ["tcp.servers.main.addr=nowhere"])
        #expect(error.description.hasPrefix("-o: tcp.servers.main.addr: invalid Protocol"))
    }
}
