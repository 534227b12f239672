import Configuration
import Foundation
import Testing

@testable import Application

@Suite struct RenderingTests {
    private static let full = """
        version: '2.7'
        rpc: {listen: 'unix://$$x'}
        server:
          command: [php, 'a b', "c\\nd", '$$HOME', '', yes, '5']
          user: www
          group: staff
          env: {A: '$$A$${B}', B: "é\\t\\u0001", C: "$$\\u0301A", D: 'off', E: '1:30', F: '0x1'}
          relay: unix:///run/rr.sock
          on_init: {command: 'php init.php', exec_timeout: 1500ms, exit_on_error: true, env: {X: 1}}
        tcp:
          read_buf_size: 50485760
          max_packet_size: 2KB
          servers:
            a.b: {addr: '[::1]:1', delimiter: !!binary /wA=, framing: split}
            "yes": {addr: 'unix:///x y', delimiter: "\\0", read_buf_size: 100, max_packet_size: 200}
            'null': {addr: ':0', delimiter: '$$'}
          pool:
            num_workers: 0
            command: [php, other.php]
            debug: true
            allocate_timeout: 1h1ns
            supervisor: {ttl: 1us}
            dynamic_allocator: {}
        status: {address: ':2114', check_timeout: 5, unavailable_after: 3s}
        metrics: {}
        logs:
          mode: off
          encoding: console
          output: [stderr, 'a b.log']
          line_ending: "\\r\\n"
          channels: {tcp: {level: error, file_logger_options: {log_output: x}}, off: {}}
        endure: {grace_period: 90s, drain_delay: 1s, log_level: error}
        """

    private func reload(_ text: String) throws -> Settings {
        // Another number of CPUs: the resolved value must be written out.
        try load(text, processorCount: 9).settings
    }

    @Test func yamlLoadsToEqualSettings() throws {
        for text in [minimal, Self.full] {
            let loaded = try load(text)
            #expect(try reload(loaded.yaml()) == loaded.settings)
        }
    }

    @Test func yamlIsStable() throws {
        let first = try load(Self.full).yaml()
        #expect(try load(first).yaml() == first)
    }

    @Test(arguments: ["\"'a b'\"", "[\"'a b'\"]", "['\\\"a b\\\" c']", "'a\\ b'"])
    func aProgramWithSpacesIsOneAgain(command: String) throws {
        let loaded = try load(minimal.replacing("\"php worker.php\"", with: command))
        #expect(try reload(loaded.yaml()) == loaded.settings)
    }

    @Test func whatIsPrintedIsNotWarnedOf() throws {
        let pool = "  pool: {stream_timeout: 5s, supervisor: {}, dynamic_allocator: {}}\n"
        let loaded = try load(minimal + pool + "metrics: {}\nrpc: {}\n")
        #expect(loaded.warnings.map(\.key) == ["tcp.pool.stream_timeout"])
        #expect(try load(loaded.yaml()).warnings.isEmpty)
        #expect(try failure(minimal + "  pool: {stream_timeout: x}\n").key == "tcp.pool.stream_timeout")
    }

    @Test func theFileOfVariablesIsNamedFromEverywhere() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "envfile: '${DIR}/$$x.env'\nrpc: {listen: 'unix://$A'}\n", "etc/$x.env": "A=secret\n",
        ])
        let loaded = try sandbox.load(environment: ["DIR": "etc"])
        #expect(loaded.origin("envfile") == .file(file: loaded.file, line: 5))
        #expect(loaded.effective.leaves.prefix(2).map(\.path) == ["version", "envfile"])
        let again = try load(loaded.yaml())
        #expect(again.settings == loaded.settings)
        #expect(again.environmentAdditions == loaded.environmentAdditions)
    }

    @Test func yamlReads() throws {
        let yaml = try load(minimal).yaml()
        #expect(
            yaml.hasPrefix("version: \"3\"\nserver:\n  command:\n  - php\n  - worker.php\n  env: {}\n  relay: pipes\n"))
        #expect(yaml.contains("    allocate_timeout: 1m0s\n"))
        #expect(yaml.contains("      delimiter: \"\\r\\n\"\n"))
    }

    @Test func jsonIsValid() throws {
        for text in [minimal, Self.full] {
            let loaded = try load(text)
            let object = try JSONSerialization.jsonObject(with: Data(loaded.json().utf8)) as? [String: Any]
            let tcp = try #require(object?["tcp"] as? [String: Any])
            let pool = try #require(tcp["pool"] as? [String: Any])
            #expect(pool["num_workers"] as? Int == 4)
            #expect(pool["debug"] as? Bool == loaded.settings.tcp.pool.debug)
            let server = try #require(object?["server"] as? [String: Any])
            #expect(server["command"] as? [String] == loaded.settings.server.command)
        }
    }

    @Test func jsonEscapes() throws {
        let json = try load(minimal + "logs: {line_ending: \"\\\"\\\\\\n\\u0001\\u007f\"}\n").json()
        #expect(json.contains(#""line_ending": "\"\\\n\u0001\u007f""#))
    }

    @Test func everyLeafHasItsOrigin() throws {
        let loaded = try load(minimal, environment: ["RR_LOGS_LEVEL": "info"], overrides: ["logs.mode=raw"])
        #expect(loaded.origin("server.command") == .file(file: loaded.file, line: 2))
        #expect(loaded.origin("tcp.servers.main.addr") == .file(file: loaded.file, line: 4))
        #expect(loaded.origin("tcp.servers.main.delimiter") == .defaultValue)
        #expect(loaded.origin("logs.level") == .environment(name: "RR_LOGS_LEVEL"))
        #expect(loaded.origin("logs.mode") == .override)
        #expect(ValueOrigin.environment(name: "X").description == "env X")
        #expect(ValueOrigin.include(file: "/a", line: 2).description == "include /a:2")
        #expect(ValueOrigin.file(file: "/a", line: 2).description == "/a:2")
        #expect(ValueOrigin.defaultValue.description == "default")
        #expect(ValueOrigin.override.description == "-o")
    }

    @Test func anExplanationSaysWhereEachValueIsFrom() throws {
        let sandbox = try Sandbox([
            "rr.yaml": minimal + "include: more.yaml\nlogs: {output: [stdout], line_ending: \"\\r\\n\"}\n",
            "more.yaml": "version: '3'\nendure:\n  grace_period: 5s\n",
        ])
        let loaded = try sandbox.load(
            environment: ["RR_LOGS_LEVEL": "info"], overrides: ["tcp.servers.main.delimiter=x y"])
        let lines = loaded.explanation().split(separator: "\n").map { line in
            line.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
        let file = loaded.file
        for line in [
            "version = \"3\" # \(file):1", "server.command = [\"php\", \"worker.php\"] # \(file):2",
            "tcp.pool.num_workers = 4 # default: one for each CPU", "tcp.pool.debug = false # default",
            "tcp.servers.main.delimiter = \"x y\" # -o", "logs.level = \"info\" # env RR_LOGS_LEVEL",
            "logs.output = [\"stdout\"] # \(file):6", "logs.line_ending = \"\\r\\n\" # \(file):6",
            "endure.grace_period = \"5s\" # include \(sandbox.path("more.yaml")):3",
            "RR_EVENT_LOOPS = 4 # default: one for each CPU",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(lines.count == loaded.effective.leaves.count + 1, "and the event loops, which are no key")
    }

    @Test func leavesKeepTheOrderOfTheSchema() throws {
        let paths = try load(minimal).effective.leaves.map(\.path)
        #expect(paths.prefix(3) == ["version", "server.command", "server.relay"])
        #expect(paths.last == "endure.drain_idle")
    }
}
