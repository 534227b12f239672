import Foundation
import TestSupport
import Testing

extension Integration {
    /// `rr workers` and `rr reset`, which call a running server.
    @Suite struct RPCCommands {
        private func rr(
            _ rr: RRProcess,
            _ arguments: String...,
            environment: [String: String] = [:]
        ) throws -> Command.Result {
            try Command.run(
                [try Fixture.binary()] + arguments + ["-c", rr.directory.file(".rr.yaml")],
                environment: environment
            )
        }

        @Test("rr workers shows them, also by a relative path and whatever RR_RPC says")
        func workers() async throws {
            for endpoint in [try Endpoint.free(), .unix(path: "run.sock")] {
                try await withRR(try Settings(workers: 2).withRPC(at: endpoint)) { rr in
                    let environment = ["RR_RPC": "nonsense", "RR_RPC_LISTEN": ""].filter { !$0.value.isEmpty }
                    let table = try self.rr(rr, "workers", environment: environment)
                    #expect(table.exit == .code(0), "\(table.errors)")
                    #expect(table.output.hasPrefix("Workers of [tcp]:\n+--"))
                    for pid in rr.workers {
                        #expect(table.output.contains(" \(pid) | ready "))
                    }
                    #expect(table.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
                    let json = try self.rr(rr, "workers", "tcp", "--json").output
                    #expect(json.hasPrefix("{\"tcp\":[{\"pid\":"))
                    let unknown = try self.rr(rr, "workers", "http")
                    #expect(unknown.exit == .code(1))
                    #expect(unknown.errors.contains("no such plugin: http; there is tcp"))
                    let screen = try self.rr(rr, "workers", "-i")
                    #expect(screen.exit == .code(1) && screen.errors.contains("needs a terminal"))
                }
            }
        }

        @Test(
            "rr workers -i paints again and again; q, Ctrl-C and SIGTERM give the terminal back",
            arguments: ["q", "c", "t"])
        func screen(end: String) async throws {
            struct Outcome: Decodable {
                var exit: Int32
                var restored: Bool
                var written: String
            }
            try await withRR(try Settings(workers: 1).withRPC(at: .unix(path: "rpc.sock"))) { rr in
                let run = try Command.run(
                    ["/usr/bin/env", "python3", "\(Fixture.directory)/screen.py", end]
                        + [try Fixture.binary(), "workers", "-i", "-c", rr.directory.file(".rr.yaml")])
                let outcome = try JSONDecoder().decode(Outcome.self, from: Data(run.output.utf8))
                #expect(outcome.exit == 0)
                #expect(outcome.restored)
                #expect(outcome.written.contains("Workers of [") && outcome.written.contains("q: quit"))
                // Each picture is painted over the last one, on the other screen, which is left in the end.
                #expect(outcome.written.hasPrefix("\u{1B}[?1049h") && outcome.written.hasSuffix("\u{1B}[?1049l"))
                #expect(!outcome.written.contains("\u{1B}[2J"))
            }
        }

        @Test("Without a server, or without the section, the reason and 1")
        func noServer() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let endpoint = try Endpoint.free()
            for command in ["workers", "reset"] {
                try directory.write(try Settings().withRPC(at: endpoint).yaml(events: "/dev/null"), to: ".rr.yaml")
                let refused = try Command.rr(command, "-c", directory.file(".rr.yaml"))
                #expect(refused.exit == .code(1))
                let address = "tcp://\(endpoint.address) (rpc.listen)"
                #expect(refused.errors.contains("cannot reach a server at \(address): Connection refused"))
            }
            try directory.write(try Settings().yaml(events: "/dev/null"), to: ".rr.yaml")
            let missing = try Command.rr("workers", "-c", directory.file(".rr.yaml"))
            #expect(missing.exit == .code(1) && missing.errors.contains("there is no `rpc` section"))
        }

        /// The next successor that starts fails, once, however many resets there are.
        private let script = """
            <?php if (@unlink(__DIR__ . '/accident')) { exit(3); } require '\(Fixture.directory)/worker.php';
            """

        @Test("Ten rr resets under load, with workers that die before they are ready: no request is lost")
        func resetUnderLoad() async throws {
            let directory = try TemporaryDirectory()
            try directory.write(self.script, to: "own.php")
            var settings = try Settings(workers: 4).withRPC(at: .unix(path: "rpc.sock"))
            settings.command = "php own.php"
            try await withRR(settings, in: directory) { rr in
                try await withTraffic(rr, clients: 4) {
                    for _ in 1...10 {
                        let before = rr.workers
                        try directory.write("", to: "accident")
                        let reset = try self.rr(rr, "reset", "tcp")
                        #expect(reset.exit == .code(0), "\(reset.errors)")
                        #expect(reset.output.hasSuffix("plugin reset: [tcp]"))
                        // Their places are taken when the command ends; one that has a request may still finish it.
                        try eventually("the old ones to be gone") { rr.workers.isDisjoint(with: before) }
                    }
                }
                try rr.awaitWholePool()
            }
        }

        @Test("Resets while workers are killed: each command ends, and the pool is whole again")
        func resetWithKills() async throws {
            try await withRR(try Settings(workers: 4).withRPC(at: try .free())) { rr in
                for _ in 1...10 {
                    rr.workers.randomElement().map { _ = kill($0, SIGKILL) }
                    let reset = try self.rr(rr, "reset")
                    #expect(reset.exit == .code(0), "\(reset.errors)")
                }
                try rr.awaitWholePool()
                #expect(try rr.client().ask("hello") == "hello")
            }
        }

        @Test("A reset that fails is told as it is, and the old workers go on")
        func failedReset() async throws {
            let directory = try TemporaryDirectory()
            try directory.write("<?php require '\(Fixture.directory)/worker.php';", to: "own.php")
            var settings = try Settings(workers: 2).withRPC(at: .unix(path: "rpc.sock"))
            settings.command = "php own.php"
            try await withRR(settings, in: directory) { rr in
                let before = rr.workers
                try directory.write("<?php exit(1);", to: "own.php")
                let reset = try self.rr(rr, "reset")
                #expect(reset.exit == .code(1))
                #expect(reset.errors.contains("tcp was not reset: resetter_rpc_reset: WorkerAllocate:"))
                #expect(rr.workers.isSuperset(of: before))
                let unknown = try self.rr(rr, "reset", "http", "tcp")
                #expect(unknown.exit == .code(1))
                #expect(unknown.errors.contains("no such plugin: http; there is tcp"))
            }
        }
    }
}
