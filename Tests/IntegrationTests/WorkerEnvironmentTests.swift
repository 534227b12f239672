import Foundation
import TestSupport
import Testing

extension Integration {
    /// The environment of started workers: docs/protocol.md.
    @Suite struct WorkerEnvironment {
        private static func environment(_ rr: RRProcess) throws -> [String: String] {
            try JSONDecoder().decode([String: String].self, from: Data(rr.client().ask("environment").utf8))
        }

        @Test("server.env as a map and as a list: upper-cased, expanded, and over rr's own", arguments: [false, true])
        func forms(isList: Bool) async throws {
            let directory = try TemporaryDirectory()
            var settings = try Settings(
                environment: [
                    "lower_case": "one", "OVERRIDDEN": "from the file", "EXPANDED": "${OUTER}/${NONE:-default}",
                ],
                more: "rpc:\n  listen: tcp://127.0.0.1:6001"
            )
            settings.ownEnvironment = ["OUTER": "outer", "OVERRIDDEN": "from outside", "INHERITED": "yes"]
            if isList {
                let text = settings.yaml(events: directory.file("events"))
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                let start = try #require(lines.firstIndex(of: "  env:"))
                let end = try #require(lines.firstIndex(of: "tcp:"))
                let list = lines.enumerated().map { number, line in
                    number > start && number < end ? "    - \(line.drop { $0 == " " })" : String(line)
                }
                settings.file = try directory.write(list.joined(separator: "\n"), to: ".rr.yaml")
            }
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            let environment = try Self.environment(rr)
            #expect(environment["LOWER_CASE"] == "one")
            #expect(environment["lower_case"] == nil)
            #expect(environment["OVERRIDDEN"] == "from the file")
            #expect(environment["EXPANDED"] == "outer/default")
            #expect(environment["INHERITED"] == "yes")
            #expect(environment["RR_MODE"] == "tcp")
            #expect(environment["RR_RELAY"] == "pipes")
            #expect(environment["RR_RPC"] == "tcp://127.0.0.1:6001")
            #expect(environment["RR_VERSION"]?.isEmpty == false)
            try rr.stop()
        }

        @Test("tcp.pool.command goes before server.command")
        func poolCommand() async throws {
            let command = Fixture.workerCommand
            var settings = try Settings(pool: ["command: \(command)"])
            settings.command = "/no/such/command"
            try await withRR(settings) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
            }
        }

        @Test(
            "A command is split as a shell does, or taken as it is",
            arguments: [
                "env GIVEN='two words' php worker.php",
                "env \"GIVEN=two words\"   php worker.php",
                "[env, 'GIVEN=two words', php, worker.php]",
                "[\"env 'GIVEN=two words' php worker.php\"]",
            ]
        )
        func words(command: String) async throws {
            let directory = try TemporaryDirectory()
            try directory.write("<?php require '\(Fixture.directory)/worker.php';", to: "worker.php")
            var settings = try Settings()
            settings.command = command
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            #expect(try Self.environment(rr)["GIVEN"] == "two words")
            try rr.stop()
        }
    }
}
