import Foundation
import TestSupport
import Testing

extension Integration {
    /// `server.relay`: docs/protocol.md.
    @Suite struct Relay {
        enum Kind: String, CaseIterable {
            case unix, tcp
        }

        private static func settings(
            _ kind: Kind,
            in directory: TemporaryDirectory,
            workers: Int = 3,
            pool: [String] = [],
            environment: [String: String] = [:]
        ) throws -> (settings: Settings, endpoint: Endpoint) {
            var settings = try Settings(workers: workers, pool: pool, environment: environment)
            let endpoint =
                switch kind {
                case .unix: Endpoint.unix(path: directory.file("relay.sock"))
                case .tcp: try Endpoint.free()
                }
            let address = endpoint.port.map { "tcp://127.0.0.1:\($0)" } ?? endpoint.address
            settings.server = ["relay: \"\(address)\""]
            return (settings, endpoint)
        }

        /// As ``withRR(_:location:_:)``, with the relay's own address for the body.
        private func withRelay(
            _ kind: Kind,
            workers: Int = 3,
            pool: [String] = [],
            environment: [String: String] = [:],
            _ body: (RRProcess, Endpoint) async throws -> Void
        ) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let (settings, endpoint) = try Self.settings(
                kind,
                in: directory,
                workers: workers,
                pool: pool,
                environment: environment
            )
            try await withRR(settings) { try await body($0, endpoint) }
            if case .unix(let path) = endpoint {
                #expect(access(path, F_OK) != 0, "the socket's file is left behind")
            }
        }

        @Test("Workers connect, and serve as over pipes", arguments: Kind.allCases)
        func serving(kind: Kind) async throws {
            try await self.withRelay(kind) { rr, endpoint in
                try rr.awaitWholePool()
                let client = try rr.client()
                let environment = try JSONDecoder().decode(
                    [String: String].self,
                    from: Data(client.ask("environment").utf8)
                )
                #expect(environment["RR_RELAY"]?.hasPrefix("\(kind)://") == true)
                #expect(try client.inspect().parent == rr.pid)
                let packet = Payload.random(3_000_000)
                try client.send(packet)
                #expect(try client.read(packet.count) == packet)
                try await withTraffic(rr, clients: 6) {
                    try rr.events.await("CLOSE", count: 50)
                }
                client.close()
                #expect(try rr.events.awaitClose(of: client).last == "CLOSE")
                try rr.stop()
                #expect(try rr.events.count("STOP") == 3, "asked, not killed")
            }
        }

        @Test("Workers that start at once are told apart", arguments: Kind.allCases)
        func manyAtOnce(kind: Kind) async throws {
            let meeting = try TemporaryDirectory()
            defer { meeting.remove() }
            let environment = ["WORKER_START": "rendezvous 6 \(meeting.path)"]
            try await self.withRelay(kind, workers: 6, environment: environment) { rr, _ in
                // Each is hung in turn: the others are to serve, and the right one is to be killed for it.
                for _ in 1...3 {
                    let client = try rr.client()
                    let address = client.localAddress
                    try client.send("hang\r\n")
                    try rr.events.await("DATA", count: 1, of: client)
                    let worker = try #require(try rr.events.of(address).last).pid
                    let others = rr.workers.subtracting([worker])
                    #expect(try rr.client().ask("other") == "other")
                    kill(worker, SIGKILL)
                    try client.awaitEnd()
                    try rr.awaitWholePool(without: [worker])
                    #expect(rr.workers.isSuperset(of: others))
                    #expect(try rr.events.awaitClose(of: address) == ["CONNECTED", "DATA", "CLOSE"])
                }
            }
        }

        @Test("What a script prints does no harm: it is not the relay", arguments: Kind.allCases)
        func standardOutput(kind: Kind) async throws {
            try await self.withRelay(kind, workers: 1) { rr, _ in
                let client = try rr.client()
                #expect(try client.ask("print printed by mistake") == "done")
                try rr.log.await("printed by mistake")
                #expect(try client.ask("as ever") == "as ever")
                #expect(try rr.events.count("START") == 1)
            }
        }

        @Test("Strangers on the relay's socket are shut out, and disturb nobody", arguments: Kind.allCases)
        func strangers(kind: Kind) async throws {
            try await self.withRelay(kind, workers: 2) { rr, endpoint in
                let idle = try ProcessTable.descriptorCount(of: rr.pid)
                let silent = try Client(endpoint)
                let liar = try Client(endpoint)
                try liar.send("GET / HTTP/1.0\r\n\r\n")
                let impostor = try Client(endpoint)
                try impostor.send(Self.handshake(pid: getpid()))
                try liar.awaitEnd()
                try impostor.awaitEnd()
                // A short timeout, not allocate_timeout.
                try silent.awaitEnd(within: .seconds(25))
                #expect(try rr.client().ask("as ever") == "as ever")
                let before = rr.killWorkers()
                try rr.awaitWholePool(without: before)
                #expect(try rr.client().ask("as ever") == "as ever")
                for client in [silent, liar, impostor] {
                    client.close()
                }
                try eventually("their descriptors to be closed") {
                    try ProcessTable.descriptorCount(of: rr.pid) == idle
                }
            }
        }

        /// Says on the relay that it is these processes.
        private static func claim(_ pids: [pid_t], at endpoint: Endpoint, by stranger: Stranger) throws -> ChildProcess
        {
            // Not by its path, which need not be within reach of the other user.
            let script = try String(contentsOfFile: "\(Fixture.directory)/stranger.py", encoding: .utf8)
            return try ChildProcess(
                stranger.launcher + ["/usr/bin/python3", "-c", script, "\(endpoint.port ?? 0)"] + pids.map { "\($0)" },
                environment: Command.environment,
                directory: "/tmp"
            )
        }

        /// Waits until each of its connections has been closed; it must have been sent nothing but greetings.
        private static func expectNothing(_ claims: ChildProcess) throws {
            #expect(try claims.awaitExit() == .code(0))
            try claims.standardOutput.awaitEnd()
            #expect(claims.standardOutput.all == ["claimed"])
        }

        @Test("Who says that it is a worker, starting or serving, gets nothing", arguments: Stranger.all)
        func claimedWorker(stranger: Stranger) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            var (settings, endpoint) = try Self.settings(.tcp, in: directory, workers: 2)
            let gate = Gate(path: directory.file("gate"))
            let wait = "while [ ! -e \(gate.path) ]; do sleep 0.02; done"
            settings.command = "[sh, -c, '\(wait); exec \(Self.plainCommand)']"
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            try rr.awaitWholePool()
            // They have been started, and have not connected.
            let early = try Self.claim(Array(rr.workers), at: endpoint, by: stranger)
            try Self.expectNothing(early)
            try rr.log.await("a connection to the relay is refused")
            try gate.open()
            try rr.awaitReady()
            let late = try Self.claim(Array(rr.workers), at: endpoint, by: stranger)
            try Self.expectNothing(late)
            for number in 1...4 {
                #expect(try rr.client().ask("client \(number)") == "client \(number)")
            }
            try rr.stop()
        }

        @Test("Who says that it is a worker before that is started gets nothing", arguments: Stranger.all)
        func claimedInAdvance(stranger: Stranger) async throws {
            try await self.withRelay(.tcp) { rr, endpoint in
                let newest = try #require(rr.workers.max())
                let claims = try Self.claim(Array(newest + 1...newest + 300), at: endpoint, by: stranger)
                try claims.standardOutput.await("claimed")
                // Among the next processes are those that it said it was.
                for _ in 1...3 {
                    let before = rr.killWorkers()
                    try rr.awaitWholePool(without: before)
                    for number in 1...6 {
                        #expect(try rr.client().ask("client \(number)") == "client \(number)")
                    }
                }
                try Self.expectNothing(claims)
            }
        }

        @Test("While strangers connect as fast as they can, workers are started")
        func flood() async throws {
            try await self.withRelay(.tcp) { rr, endpoint in
                try await Flood.run(at: endpoint) {
                    try rr.log.await("too many that do not say")
                    for round in 1...3 {
                        let before = rr.killWorkers()
                        try rr.awaitWholePool(without: before)
                        try rr.events.await("START", count: 3 * (round + 1))
                        #expect(try rr.client().ask("hello") == "hello")
                    }
                }
                #expect(try rr.events.count("START") == 12, "each was started once")
            }
        }

        private static let plainCommand = "php -d display_errors=stderr \(Fixture.directory)/worker.php"

        @Test("A worker behind a shell, and one that leaves its process group, are known", arguments: Kind.allCases)
        func wrapped(kind: Kind) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            var (settings, _) = try Self.settings(kind, in: directory, workers: 2)
            for command in ["sh -c '\(Self.plainCommand); exit 0'", "setsid --wait \(Self.plainCommand)"] {
                settings.command = "\"\(command)\""
                let rr = try RRProcess(settings)
                defer { rr.destroy() }
                try rr.awaitReady()
                #expect(try rr.client().ask("hello") == "hello")
            }
        }

        @Test("A worker that never connects fails the start, and says so", arguments: Kind.allCases)
        func noConnection(kind: Kind) async throws {
            let directory = try TemporaryDirectory()
            var (settings, _) = try Self.settings(kind, in: directory, pool: ["allocate_timeout: 1s"])
            settings.command = "sleep 3600"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            #expect(try rr.process.awaitExit() == .code(1))
            #expect(rr.log.contains("failed to spawn a worker"))
            #expect(rr.leftovers.isEmpty)
            #expect(access(directory.file("relay.sock"), F_OK) != 0)
        }

        @Test("The file of a socket that nobody listens on is replaced; one that is in use is not")
        func staleFile() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let (settings, endpoint) = try Self.settings(.unix, in: directory)
            let descriptor = try endpoint.socket()
            try check(endpoint.withAddress { bind(descriptor, $0, $1) }, "bind")
            close(descriptor)
            try await withRR(settings) { rr in
                #expect(try rr.client().ask("hello") == "hello")
                var second = try Settings()
                second.server = settings.server
                let other = try RRProcess(second)
                defer { other.destroy() }
                #expect(try other.process.awaitExit() == .code(1))
                #expect(other.log.contains("relay"), "\(other.log.text)")
                #expect(try rr.client().ask("as ever") == "as ever")
                let before = rr.killWorkers()
                try rr.awaitWholePool(without: before)
            }
        }

        @Test("Workers are replaced and killed as over pipes", arguments: Kind.allCases)
        func replacement(kind: Kind) async throws {
            let pool = ["supervisor: {watch_tick: 200ms, exec_ttl: 1s}"]
            try await self.withRelay(kind, workers: 4, pool: pool) { rr, _ in
                let before = rr.workers
                try await withTraffic(rr) {
                    rr.process.send(signal: SIGUSR2)
                    try rr.awaitWholePool(without: before)
                }
                for order in ["family", "kill", "garbage nonsense", "half-exit"] {
                    let client = try rr.client()
                    let address = client.localAddress
                    try client.send("\(order)\r\n")
                    try client.awaitEnd()
                    #expect(try rr.events.awaitClose(of: address) == ["CONNECTED", "DATA", "CLOSE"], "\(order)")
                }
                try eventually("the pool to be whole") { rr.workers.count == 4 && rr.leftovers == rr.workers }
            }
        }

        /// What a worker sends first.
        private static func handshake(pid: pid_t) -> Data {
            let payload = Data(#"{"pid":\#(pid)}"#.utf8)
            let start = Data([0x13, 0x01, UInt8(payload.count), 0, 0, 0])
            var checksum: UInt32 = 0xFFFF_FFFF
            for byte in start {
                checksum ^= UInt32(byte)
                for _ in 0..<8 {
                    checksum = checksum & 1 == 1 ? checksum >> 1 ^ 0xEDB8_8320 : checksum >> 1
                }
            }
            checksum = ~checksum
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
            return start + Data(bytes) + Data([0, 0]) + payload
        }
    }
}

/// A process that is no worker.
struct Stranger: CustomTestStringConvertible {
    var testDescription: String
    var launcher: [String] = []

    static let all: [Stranger] =
        [Stranger(testDescription: "of the same user")]
        + (getuid() == 0
            ? [
                Stranger(
                    testDescription: "of another user",
                    launcher: ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                )
            ] : [])
}
