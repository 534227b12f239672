import Foundation
import TestSupport
import Testing

extension Integration {
    /// A start that must fail does: exit 1, one clear line, nothing left.
    @Suite struct Start {
        struct Case: CustomTestStringConvertible {
            var name: String
            var command: String?
            var environment: [String: String] = [:]
            var pool: [String] = []
            var address: String?
            /// All of these are in one line of standard error.
            var says: [String]
            /// How long knowing may take, a second for leaving not counted.
            var knowing = Duration.zero

            var testDescription: String { self.name }
        }

        private static let cases = [
            Case(name: "no such command", command: "/no/such/php worker.php", says: ["/no/such/php"]),
            Case(name: "no such command in the path", command: "nosuchphp worker.php", says: ["nosuchphp"]),
            Case(
                name: "no such script",
                command: "php no-such-script.php",
                says: ["Could not open input file", "no-such-script.php"]
            ),
            Case(
                name: "a worker that ends at once",
                environment: ["WORKER_START": "exit no database today"],
                says: ["failed to spawn a worker"]
            ),
            Case(
                name: "a worker that prints",
                environment: ["WORKER_START": "print PHP Warning: something before the handshake"],
                says: ["something before the handshake"],
                knowing: .seconds(2)
            ),
            Case(
                name: "a worker without a handshake",
                environment: ["WORKER_START": "hang"],
                pool: ["allocate_timeout: 1s"],
                says: ["failed to spawn a worker"],
                knowing: .seconds(1)
            ),
            Case(name: "not an address", address: "127.0.0.1", says: ["127.0.0.1", "main"]),
            Case(name: "a port out of range", address: "127.0.0.1:65536", says: ["65536"]),
            Case(name: "another protocol", address: "udp://127.0.0.1:7777", says: ["invalid Protocol"]),
            Case(name: "an address of somebody else", address: "192.0.2.1:7777", says: ["192.0.2.1:7777"]),
        ]

        @Test("What cannot start says why, exits with 1 and leaves nothing", arguments: Self.cases)
        func failure(test: Case) async throws {
            var settings = try Settings(pool: test.pool, environment: test.environment)
            settings.command = test.command
            settings.servers[0].address = test.address
            try self.expectFailure(of: RRProcess(settings), saying: test.says, within: test.knowing + .seconds(2))
        }

        @Test("What a worker says on stderr before it gives up is in the log")
        func reasonOnStandardError() async throws {
            let rr = try RRProcess(Settings(environment: ["WORKER_START": "exit no database today"]))
            defer { rr.destroy() }
            #expect(try rr.process.awaitExit() == .code(1))
            try rr.log.await("no database today")
        }

        @Test("A port that is taken is named")
        func takenPort() async throws {
            let endpoint = try Endpoint.free()
            let descriptor = try endpoint.socket()
            defer { close(descriptor) }
            try check(endpoint.withAddress { bind(descriptor, $0, $1) }, "bind")
            try check(listen(descriptor, 1), "listen")
            let settings = try Settings(.init("first"), .init("second", at: endpoint))
            try self.expectFailure(of: RRProcess(settings), saying: [endpoint.address, "in use"], within: .seconds(3))
        }

        @Test("A bad file: its name and the line are in the message")
        func badFile() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let cases = [
                ("version: \"3\"\nserver:\n  command: \"php\n  x", ":"),
                ("version: \"3\"\nserver:\n  command: php\ntcp:\n  pool:\n    num_workers: many\n", ":6"),
                ("server:\n  command: php\n", "version"),
                ("version: '3'\nserver:\n  command: ''\ntcp:\n  servers:\n    a:\n      addr: ':1'\n", "command"),
                (
                    "version: '3'\nserver:\n  command: php\ntcp:\n  servers:\n"
                        + "    a: {addr: '127.0.0.1:7000'}\n    b: {addr: 'tcp://127.0.0.1:7000'}\n", "7000"
                ),
            ]
            for (number, (text, says)) in cases.enumerated() {
                let file = try directory.write(text, to: "bad\(number).yaml")
                for command in ["serve", "check"] {
                    let result = try Command.rr(command, "-c", file)
                    #expect(result.exit == .code(1), "\(text)")
                    #expect(result.output.isEmpty)
                    let lines = result.errors.split(separator: "\n")
                    let told = lines.contains { $0.contains("bad\(number).yaml") && $0.contains(says) }
                    #expect(told, "\(result.errors)")
                }
            }
            let result = try Command.rr("serve", "-c", directory.file("missing.yaml"))
            #expect(result.exit == .code(1))
            #expect(result.errors.contains("missing.yaml"))
        }

        @Test("Closed at the start, 0 to 2 are /dev/null, and nothing else gets these numbers")
        func closedDescriptors() async throws {
            var settings = try Settings(workers: 1)
            settings.launcher = ["/bin/sh", "-c", #"exec "$0" "$@" <&- >&- 2>&-"#]
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            let clients = try awaitValue("the listener") { try? [rr.client()] } + (0..<3).map { _ in try rr.client() }
            for client in clients {
                #expect(try client.ask("flood 10") == "flooded", "and nothing of what is logged")
                #expect(try client.ask("hello") == "hello")
            }
            let descriptors = try ProcessTable.descriptors(of: rr.pid)
            #expect((0...2).map { descriptors[$0] } == ["/dev/null", "/dev/null", "/dev/null"])
            try rr.stop()
        }

        @Test("A soft limit of descriptors that is too low is raised")
        func softLimit() async throws {
            var settings = try Settings(workers: 1)
            settings.launcher = ["/usr/bin/prlimit", "--nofile=8:1024"]
            try await withRR(settings) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
            }
        }

        @Test("Too few descriptors: one line that says how many it takes", arguments: [16, 20, 32])
        func fewDescriptors(limit: Int) async throws {
            var settings = try Settings(workers: 2)
            settings.launcher = ["/usr/bin/prlimit", "--nofile=\(limit):\(limit)"]
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            try rr.expectExit(.code(1))
            try rr.log.awaitEnd()
            #expect(rr.log.all.count == 1)
            let says = "[ERROR] the limit of open descriptors is \(limit), but 2 workers, 1 servers and "
            #expect(rr.log.all.first?.hasPrefix(says) == true, "\(rr.log.text)")
            #expect(try rr.events.count("START") == 0)
        }

        private func expectFailure(of rr: RRProcess, saying texts: [String], within duration: Duration) throws {
            defer { rr.destroy() }
            let start = ContinuousClock.now
            #expect(try rr.process.awaitExit() == .code(1))
            #expect(ContinuousClock.now - start < duration)
            #expect(rr.leftovers == [])
            try rr.log.awaitEnd()
            let last = try #require(rr.log.all.last, "it says nothing")
            #expect(texts.allSatisfy { last.contains($0) }, "the last line tells why, not\n\(rr.log.text)")
            #expect(!rr.process.standardOutput.contains("server started"))
        }
    }
}
