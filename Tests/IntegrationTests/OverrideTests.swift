import Foundation
import TestSupport
import Testing

extension Integration {
    /// `RR_*` variables, and where values come from: docs/configuration.md.
    @Suite struct Overrides {
        @Test("Variables set keys; those of Kubernetes and of RoadRunner's workers change nothing")
        func variables() async throws {
            let elsewhere = try Endpoint.free()
            var settings = try Settings(workers: 1)
            settings.ownEnvironment = [
                "RR_TCP_POOL_NUM_WORKERS": "3", "RR_TCP_SERVERS_MAIN_ADDR": elsewhere.address,
                "RR_LOGS_MODE": "production", "RR_MODE": "http", "RR_RELAY": "tcp://127.0.0.1:1",
                "RR_RPC": "tcp://127.0.0.1:1", "RR_VERSION": "1", "RR_TCP_SERVICE_HOST": "10.0.0.1",
                "RR_TCP_PORT": "tcp://10.0.0.1:7777", "RR_TCP_PORT_7777_TCP_ADDR": "10.0.0.1", "RR_PORT": "x",
                "RR_LOGS_LEVLE": "info",
            ]
            try await withRR(settings) { rr in
                #expect(rr.workers.count == 3)
                let client = try Client(elsewhere)
                let text = try client.ask("environment")
                let environment = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
                #expect(environment["RR_MODE"] == "tcp")
                #expect(environment["RR_RELAY"] == "pipes")
                let warnings = rr.log.all.filter { $0.contains(#""level":"warn""#) }
                #expect(warnings.count == 1)
                #expect(warnings.first?.contains("RR_LOGS_LEVLE") == true)
                #expect(warnings.first?.contains("did you mean `RR_LOGS_LEVEL` (logs.level)?") == true)
            }
        }

        @Test("A variable that may mean two keys is an error that names both")
        func ambiguity() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let settings = try Settings(.init("a-b"), .init("a_b"))
            let file = try directory.write(settings.yaml(events: "/tmp/events"), to: ".rr.yaml")
            for command in ["check", "serve"] {
                let result = try Command.run(
                    [try Fixture.binary(), command, "-c", file],
                    environment: ["RR_TCP_SERVERS_A_B_ADDR": "127.0.0.1:1"]
                )
                #expect(result.exit == .code(1))
                #expect(result.errors.hasPrefix("[ERROR] env RR_TCP_SERVERS_A_B_ADDR: may mean any of "))
                #expect(result.errors.contains("`tcp.servers.a-b.addr`, `tcp.servers.a_b.addr`"))
                #expect(result.output == "")
            }
        }

        @Test("The precedence is: default, include, file, variable, -o; and --explain tells which it was")
        func explanation() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let settings = try Settings(workers: 4, more: "include: more.yaml\nenvfile: one.env")
            let file = try directory.write(settings.yaml(events: "/tmp/events"), to: ".rr.yaml")
            let more = "version: \"3\"\nendure: {grace_period: 7s}\ntcp: {pool: {num_workers: 9, max_jobs: 5}}\n"
            let include = try directory.write(more, to: "more.yaml")
            try directory.write("RR_LOGS_LEVEL=warn\n", to: "one.env")
            let other = try directory.write("RR_TCP_POOL_MAX_QUEUE_SIZE=11\n", to: "two.env")
            let result = try Command.run(
                [
                    try Fixture.binary(), "check", "-c", file, "--explain", "--dotenv", other,
                    "-o", "tcp.pool.destroy_timeout=2s",
                ],
                environment: ["RR_TCP_POOL_MAX_JOBS": "6", "RR_TCP_POOL_DESTROY_TIMEOUT": "3s"]
            )
            #expect(result.exit == .code(0), "\(result.errors)")
            let lines = result.output.split(separator: "\n").map { line in
                line.split(separator: " ").joined(separator: " ")
            }
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let number = try #require(text.split(separator: "\n").firstIndex { $0.contains("num_workers") }) + 1
            for line in [
                "tcp.pool.num_workers = 4 # \(file):\(number)",
                "tcp.pool.max_jobs = 6 # env RR_TCP_POOL_MAX_JOBS",
                "tcp.pool.max_queue_size = 11 # env RR_TCP_POOL_MAX_QUEUE_SIZE",
                "tcp.pool.destroy_timeout = \"2s\" # -o",
                "tcp.pool.allocate_timeout = \"1m0s\" # default",
                "endure.grace_period = \"7s\" # include \(include):2",
                "logs.level = \"warn\" # env RR_LOGS_LEVEL",
            ] {
                #expect(lines.contains(line), "\(line) is not in\n\(result.output)")
            }
        }
    }
}
