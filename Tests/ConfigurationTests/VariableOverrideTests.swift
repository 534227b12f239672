import Addresses
import Configuration
import Testing

@testable import Application

@Suite struct VariableOverrideTests {
    private let text = """
        version: '3'
        server: {command: php, env: {APP_KEY: x}}
        tcp:
          servers: {smtp: {addr: ':25'}, var-dumper: {addr: ':9912'}}
          pool: {num_workers: 2}
        """

    @Test func variablesSetKeys() throws {
        let environment = [
            "RR_TCP_POOL_NUM_WORKERS": "8", "RR_TCP_SERVERS_SMTP_ADDR": ":1025", "RR_LOGS_OUTPUT": "stdout,a.log",
            "RR_TCP_SERVERS_VAR_DUMPER_DELIMITER": "|", "RR_ENDURE_GRACE_PERIOD": "5s", "RR_SERVER_ENV_APP_KEY": "y",
            "RR_RPC_LISTEN": "tcp://x:1", "RR_SERVER_COMMAND": "php 'a b.php'", "RR_LOGS_CHANNELS_TCP_LEVEL": "error",
            "RR_TCP_READ_BUF_SIZE": "2", "RR_STATUS_ADDRESS": ":2114",
        ]
        let loaded = try load(text, environment: environment)
        let settings = loaded.settings
        #expect(settings.tcp.pool.numWorkers == 8)
        #expect(settings.tcp.servers.first { $0.name == "smtp" }?.address == .tcp(host: "", port: 1025))
        #expect(settings.tcp.servers.first { $0.name == "var-dumper" }?.delimiter == [0x7C])
        #expect(settings.tcp.servers.map(\.readBufferSize) == [2 << 20, 2 << 20])
        #expect(settings.logs.all.output == ["stdout", "a.log"])
        #expect(settings.logs.channels["tcp"]?.level == .error)
        #expect(settings.endure.gracePeriod == .seconds(5))
        #expect(settings.server.environment == [EnvironmentEntry(name: "APP_KEY", value: "y")])
        #expect(settings.server.command == ["php", "a b.php"])
        #expect(settings.rpc?.listen == "tcp://x:1")
        #expect(settings.status?.address == .tcp(host: "", port: 2114))
        #expect(loaded.origin("tcp.pool.num_workers") == .environment(name: "RR_TCP_POOL_NUM_WORKERS"))
    }

    @Test func otherVariablesChangeNothing() throws {
        let environment = [
            "RR_MODE": "tcp", "RR_RELAY": "unix://x", "RR_RPC": "tcp://x:1", "RR_VERSION": "9", "RR_INCLUDE": "x",
            "RR_WORKER_SLOT": "1", "RR_ENVFILE": "x", "RR_TCP_SERVICE_HOST": "10.0.0.1", "RR_TCP_SERVICE_PORT": "7777",
            "RR_TCP_PORT": "tcp://10.0.0.1:7777",
            "RR_TCP_PORT_7777_TCP_ADDR": "10.0.0.1", "RR_TCP_NUM_WORKERS": "many", "RR_TCP": "x",
            "RR_HTTP_ADDRESS": "x",
            "rr_tcp_pool_num_workers": "9", "TCP_POOL_NUM_WORKERS": "9", "RR_TCP_POOL_MAX_JOBS": "",
            "RR_TCP_SERVERS_OTHER_ADDR": ":1", "RR_EVENT_LOOPS": "2", "RR_": "x",
        ]
        let loaded = try load(text, environment: environment)
        #expect(loaded.settings == (try load(text).settings))
        #expect(loaded.warnings.isEmpty)
    }

    @Test(arguments: [
        ("RR_TCP_POOL_NUM_WORKER", "RR_TCP_POOL_NUM_WORKERS", "tcp.pool.num_workers"),
        ("RR_TCP_SERVERS_SMPT_ADDR", "RR_TCP_SERVERS_SMTP_ADDR", "tcp.servers.smtp.addr"),
        ("RR_LOGS_LEVLE", "RR_LOGS_LEVEL", "logs.level"),
    ])
    func aMistypedVariableIsReported(name: String, guess: String, key: String) throws {
        let loaded = try load(text, environment: [name: "1"])
        #expect(
            loaded.warnings.map(\.description) == [
                "env \(name): is no key, ignored; did you mean `\(guess)` (\(key))?"
            ]
        )
        #expect(loaded.settings == (try load(text).settings))
    }

    @Test func variablesOfTheLoggersChannelsNeedNoEntryInTheFile() throws {
        let names = ["rr", "server", "tcp"]
        let environment = Dictionary(
            uniqueKeysWithValues: names.map { ("RR_LOGS_CHANNELS_\($0.uppercased())_LEVEL", "warn") })
        let channels = try load(text, environment: environment).settings.logs.channels
        #expect(names.allSatisfy { channels[$0]?.level == .warn })
    }

    @Test func aVariableOfADotEnvFileSetsAKey() throws {
        let sandbox = try Sandbox(["rr.yaml": text, "x.env": "RR_TCP_POOL_NUM_WORKERS=5\n"])
        let loaded = try sandbox.load(dotenv: "x.env")
        #expect(loaded.settings.tcp.pool.numWorkers == 5)
        #expect(loaded.origin("tcp.pool.num_workers") == .environment(name: "RR_TCP_POOL_NUM_WORKERS"))
    }

    @Test func aVariableOfTheUserIsNoSetting() throws {
        let (pool, loaded) = try loadPool(
            "num_workers: '${RR_TCP_NUM_WORKERS}'", environment: ["RR_TCP_NUM_WORKERS": "3"])
        #expect(pool.numWorkers == 3)
        guard case .file = loaded.origin("tcp.pool.num_workers") else {
            Issue.record("not from the file")
            return
        }
    }

    @Test func anAmbiguousVariableIsAnError() throws {
        let text = "version: '3'\nserver: {command: php}\ntcp: {servers: {a-b: {addr: ':1'}, a_b: {addr: ':2'}}}\n"
        #expect(throws: Never.self) { try load(text) }
        let error = try failure(text, environment: ["RR_TCP_SERVERS_A_B_ADDR": ":3"])
        #expect(error.code == .ambiguousVariable)
        #expect(error.file == "env RR_TCP_SERVERS_A_B_ADDR")
        #expect(error.message == "may mean any of `tcp.servers.a-b.addr`, `tcp.servers.a_b.addr`")
    }

    @Test func faultsNameTheVariable() throws {
        let error = try failure(text, environment: ["RR_TCP_POOL_NUM_WORKERS": "many"])
        #expect(
            error.description.hasPrefix(
                "env RR_TCP_POOL_NUM_WORKERS: tcp.pool.num_workers: `many` is not a whole number"))
        #expect(error.line == nil)
    }

    @Test func whatIsNoSectionCannotHoldAKey() throws {
        let error = try failure("version: '3'\ntcp: text\n", environment: ["RR_TCP_POOL_MAX_JOBS": "1"])
        #expect(error.code == .invalidOverride)
    }

    @Test func valuesAreNotExpandedAgain() throws {
        let environment = ["RR_RPC_LISTEN": "unix://$A", "A": "x"]
        #expect(try load(text, environment: environment).settings.rpc?.listen == "unix://$A")
    }
}
