import Foundation
import TestSupport
import Testing

extension Integration {
    /// SIGTERM as clients want it: `endure.drain_delay`, `endure.drain_idle`.
    @Suite struct Drain {
        private static func endure(_ lines: String...) -> String {
            (["endure:"] + lines.map { "  \($0)" }).joined(separator: "\n")
        }

        private static func metrics(_ endpoint: Endpoint) -> String {
            "\nmetrics: {address: \"\(endpoint.address)\"}"
        }

        /// Bytes that rr has read.
        private static let received = #"rr_tcp_received_bytes_total{server="main"}"#

        @Test("Sessions go on until they rest")
        func sessions() async throws {
            try await withRR(Settings(workers: 3, more: Self.endure("drain_idle: 1500ms"))) { rr in
                let clients = try (1...20).map { _ in try rr.client() }
                for client in clients {
                    #expect(try client.ask("before") == "before")
                }
                rr.process.send(signal: SIGTERM)
                try rr.awaitClosedListener()
                try await withThrowingTaskGroup { group in
                    for (number, client) in clients.enumerated() {
                        group.addTask {
                            for round in 1...20 {
                                let answer = try client.ask("\(number) \(round)")
                                #expect(answer == "\(number) \(round)")
                                usleep(100_000)
                            }
                            let rest = try client.readToEnd()
                            #expect(rest.isEmpty)
                        }
                    }
                    try await group.waitForAll()
                }
                try rr.expectExit(.code(0))
                for client in clients {
                    let events = ["CONNECTED"] + Array(repeating: "DATA", count: 21) + ["CLOSE"]
                    #expect(try rr.events.of(client).map(\.event) == events)
                }
                #expect(rr.log.count(of: "draining") >= 2, "progress is told")
            }
        }

        @Test("For drain_delay new connections are taken as ever")
        func delay() async throws {
            let more = Self.endure("drain_delay: 2s", "drain_idle: 100ms")
            try await withRR(Settings(more: more)) { rr in
                let start = ContinuousClock.now
                rr.process.send(signal: SIGTERM)
                try rr.log.await("signal received")
                var served = 0
                while ContinuousClock.now - start < .milliseconds(1500) {
                    #expect(try rr.client().ask("late") == "late")
                    served += 1
                }
                #expect(served > 0)
                #expect(!rr.process.hasExited)
                try rr.awaitClosedListener()
                #expect(ContinuousClock.now - start > .milliseconds(1900))
                try rr.expectExit(.code(0))
                let connected = try rr.events.count("CONNECTED")
                #expect(try rr.events.count("CLOSE") == connected)
            }
        }

        @Test("A packet that is half there is waited for")
        func halfPacket() async throws {
            let metrics = try Endpoint.free()
            let more = Self.endure("drain_idle: 100ms", "grace_period: 20s") + Self.metrics(metrics)
            try await withRR(Settings(more: more)) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                try client.send("wri")
                try rr.awaitMetric(Self.received, Double("hello\r\nwri".utf8.count), at: metrics)
                rr.process.send(signal: SIGTERM)
                try rr.awaitClosedListener()
                try rr.always("the connection is open", for: .seconds(1)) { client.isQuiet }
                try client.send("te the rest\r\n")
                #expect(try client.readToEnd().text == "the rest\r\n")
                try rr.expectExit(.code(0))
                #expect(try rr.events.of(client).map(\.event) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
            }
        }

        @Test(
            "The last answer arrives whole, however slowly it is read and whatever its client goes on to send",
            arguments: [SIGTERM, SIGINT])
        func lastAnswer(signal: Int32) async throws {
            let size = 1 << 20
            try await withRR(Settings(workers: 2, more: Self.endure("drain_idle: 0s", "grace_period: 60s"))) { rr in
                let idle = try rr.client()
                #expect(try idle.ask("hello") == "hello")
                let client = try rr.client(receiveBuffer: 65536)
                try client.send("big \(size)\r\n")
                var answer = try client.read(1000)
                rr.process.send(signal: signal)
                // Its socket is not closed for good yet, or closed with all that is to be sent.
                try rr.events.await("CLOSE", count: 1, of: client)
                #expect(try idle.readToEnd().isEmpty)
                while answer.count < size {
                    // Refused when its system has all, of which it reads the rest.
                    try? client.send("heartbeat\r\n")
                    answer += try client.read(min(50_000, size - answer.count))
                    usleep(20_000)
                }
                #expect(answer == Payload.pattern(size))
                try client.awaitEnd()
                try rr.expectExit(.code(0))
            }
        }

        @Test("A packet that begins after Ctrl-C, while another is served, is completed and served")
        func lateHalfPacket() async throws {
            let metrics = try Endpoint.free()
            let more = Self.endure("grace_period: 40s") + Self.metrics(metrics)
            try await withRR(Settings(Settings.Server("main", "framing: split"), more: more)) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                let first = "\(gate.order)\r\n"
                try client.send(first)
                try rr.events.await("DATA", count: 1, of: client)
                rr.process.send(signal: SIGINT)
                try rr.awaitClosedListener()
                try client.send("write late\r\nwri")
                try rr.awaitMetric(Self.received, Double("\(first)write late\r\nwri".utf8.count), at: metrics)
                try gate.open()
                #expect(try client.readLine() == "released")
                #expect(try client.readLine() == "late")
                try client.send("te later\r\n")
                #expect(try client.readToEnd().text == "later\r\n")
                try rr.expectExit(.code(0))
            }
        }

        @Test("Who never rests, or never ends his packet, is ended in time for a clean exit")
        func restless() async throws {
            try await withRR(Settings(more: Self.endure("grace_period: 4s"))) { rr in
                let half = try rr.client()
                #expect(try half.ask("hello") == "hello")
                try half.send("half a packet")
                let client = try rr.client()
                rr.process.send(signal: SIGTERM)
                var rounds = 0
                do {
                    while true {
                        #expect(try client.ask("round \(rounds)") == "round \(rounds)")
                        rounds += 1
                    }
                } catch is UnexpectedEnd {
                    // Between two packets: the last question came too late to be read.
                } catch let error as SystemError where [ECONNRESET, EPIPE].contains(error.code) {
                }
                #expect(rounds > 0)
                try rr.expectExit(.code(0))
                try rr.log.await("sessions are ended")
                #expect(try rr.events.of(client).last?.event == "CLOSE")
                #expect(try rr.events.of(half).map(\.event) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("Ctrl-C does not wait for sessions")
        func hasty() async throws {
            let more = Self.endure("drain_idle: 1h", "drain_delay: 50m", "grace_period: 2h")
            try await withRR(Settings(more: more)) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                rr.process.send(signal: SIGINT)
                #expect(try client.readToEnd().isEmpty)
                try rr.expectExit(.code(0))
                #expect(try rr.events.of(client).map(\.event) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("Ctrl-C in the middle of a packet: it is completed and served, or given up after a while")
        func hastyHalfPacket() async throws {
            let metrics = try Endpoint.free()
            let more = Self.endure("grace_period: 12s") + Self.metrics(metrics)
            try await withRR(Settings(more: more)) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                let never = try rr.client()
                #expect(try never.ask("hello") == "hello")
                try client.send("wri")
                try never.send("nev")
                try rr.awaitMetric(Self.received, Double(2 * "hello\r\nwri".utf8.count), at: metrics)
                rr.process.send(signal: SIGINT)
                try rr.awaitClosedListener()
                #expect(client.isQuiet && never.isQuiet)
                try client.send("te the rest\r\nlate\r\n")
                #expect(try client.read(10).text == "the rest\r\n")
                try client.awaitEnd()
                #expect(try never.readToEnd().isEmpty)
                try rr.expectExit(.code(0))
                #expect(try rr.events.of(client).map(\.event) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
                #expect(try rr.events.of(never).map(\.event) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("Those that never rest are not all ended at the same moment")
        func spread() async throws {
            try await withRR(Settings(workers: 4, more: Self.endure("grace_period: 5s"))) { rr in
                let clients = try (1...20).map { _ in try rr.client() }
                try rr.events.await("CONNECTED", count: 20)
                rr.process.send(signal: SIGTERM)
                let ends = try await withThrowingTaskGroup(of: ContinuousClock.Instant.self) { group in
                    for (number, client) in clients.enumerated() {
                        group.addTask {
                            var round = 0
                            while true {
                                do {
                                    let answer = try client.ask("\(number) \(round)")
                                    #expect(answer == "\(number) \(round)")
                                    round += 1
                                    // Not to fill the machine.
                                    try await Task.sleep(for: .milliseconds(10))
                                } catch let error as UnexpectedEnd {
                                    #expect(error.received.isEmpty, "between two packets")
                                    return .now
                                } catch let error as SystemError where [ECONNRESET, EPIPE].contains(error.code) {
                                    return .now
                                }
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }.sorted()
                }
                // The last fifth of 3.75 s.
                #expect(try #require(ends.last) - #require(ends.first) > .milliseconds(300))
                try rr.expectExit(.code(0))
                #expect(try rr.events.count("CLOSE") == 20)
            }
        }

        @Test("Nobody suffers for a stuck neighbour: what is free is told of each end, and asked to stop")
        func stuckNeighbours() async throws {
            try await withRR(Settings(workers: 4, more: Self.endure("grace_period: 8s"))) { rr in
                let unread = try (1...3).map { _ in try rr.client(receiveBuffer: 4096) }
                for client in unread {
                    try client.send("big 8000000\r\n")
                    _ = try client.read(1000)
                }
                let idle = try rr.client()
                #expect(try idle.ask("hello") == "hello")
                let stuck = try rr.client()
                try stuck.send("hang\r\n")
                try rr.events.await("DATA", count: 1, of: stuck)
                rr.process.send(signal: SIGTERM)
                #expect(try idle.readToEnd().isEmpty)
                // Answers were lost.
                try rr.expectExit(.code(1))
                for client in unread + [idle, stuck] {
                    #expect(try rr.events.of(client).map(\.event) == ["CONNECTED", "DATA", "CLOSE"])
                }
                #expect(try rr.events.count("STOP") == 3, "all but the stuck one")
                #expect(rr.log.count(of: "killed by signal") == 1)
                #expect(rr.log.count(of: "not delivered") == 0)
            }
        }

        @Test("A full queue: those who wait are served, then it ends")
        func fullQueue() async throws {
            try await withRR(Settings(workers: 1, pool: ["max_queue_size: 5"])) { rr in
                let gate = rr.gate()
                let clients = try (1...5).map { _ in try rr.client() }
                for client in clients {
                    #expect(try client.ask("hello") == "hello")
                }
                for client in clients {
                    try client.send("\(gate.order)\r\n")
                }
                try rr.events.await("DATA", count: 6)
                rr.process.send(signal: SIGTERM)
                try rr.awaitClosedListener()
                try gate.open()
                // Those that look for the listener may have taken the last place from one of them.
                let refused = rr.log.all.count { $0.contains("max queue size reached") && $0.contains("event=DATA") }
                let answers = try clients.map { try $0.readToEnd().text }
                #expect(answers.count { $0 == "released\r\n" } == 5 - refused)
                #expect(answers.count { $0.isEmpty } == refused && refused <= 1)
                try rr.expectExit(.code(0))
                let connected = try rr.events.count("CONNECTED")
                #expect(try rr.events.count("CLOSE") == connected)
            }
        }

        @Test("In the middle of a reset")
        func duringReset() async throws {
            let gate = Gate(path: "/tmp/rr-integration-gate-\(UUID())")
            try gate.open()
            let settings = try Settings(workers: 4, environment: ["WORKER_START": gate.order])
            try await withRR(settings) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                try gate.shut()
                let before = rr.workers
                rr.process.send(signal: SIGUSR2)
                try eventually("a successor to start") { !rr.workers.isSubset(of: before) }
                rr.process.send(signal: SIGTERM)
                #expect(try client.readToEnd().isEmpty)
                try rr.expectExit(.code(0))
                #expect(try rr.events.of(client).last?.event == "CLOSE")
            }
        }

        @Test("In a crash storm: it ends in time, though nobody is there to be told")
        func duringCrashStorm() async throws {
            let directory = try TemporaryDirectory()
            for name in ["worker.php", "wire.php"] {
                let text = try String(contentsOfFile: "\(Fixture.directory)/\(name)", encoding: .utf8)
                try directory.write(text, to: name)
            }
            var settings = try Settings(more: Self.endure("grace_period: 5s", "drain_idle: 100ms"))
            settings.command = "php worker.php"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            let client = try rr.client()
            #expect(try client.ask("hello") == "hello")
            try directory.write("<?php exit(1);", to: "worker.php")
            rr.killWorkers()
            try rr.log.await("failed to spawn a worker", "delay_ms")
            let start = ContinuousClock.now
            rr.process.send(signal: SIGTERM)
            // CLOSE cannot be delivered: that is no success.
            try rr.expectExit(.code(1))
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(rr.log.contains("CLOSE was not delivered"))
        }
    }
}

extension RRProcess {
    /// Waits until no new connection is taken.
    func awaitClosedListener() throws {
        try eventually("the listener to be closed") {
            do {
                _ = try self.client()
                return false
            } catch let error as SystemError where error.code == ECONNREFUSED {
                return true
            }
        }
    }
}
