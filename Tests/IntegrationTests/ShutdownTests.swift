import Foundation
import Testing

extension Integration {
    /// Signals and the grace period: README.md, `endure.grace_period`.
    @Suite struct Shutdown {
        @Test("A signal ends it: answers in flight arrive, each client has its CLOSE", arguments: [SIGTERM, SIGINT])
        func drain(signal: Int32) async throws {
            try await withRR(Settings(workers: 3)) { rr in
                let gate = rr.gate()
                let idle = try (1...5).map { _ in try rr.client() }
                for client in idle {
                    #expect(try client.ask("hello") == "hello")
                }
                let busy = [try rr.client(), try rr.client()]
                for client in busy {
                    try client.send("\(gate.order)\r\n")
                    try rr.events.await("DATA", count: 1, of: client)
                }
                rr.process.send(signal: signal)
                for client in idle {
                    #expect(try client.readToEnd().isEmpty, "nothing is in flight: closed at once")
                }
                try rr.awaitClosedListener()
                #expect(busy.count { $0.isQuiet } == 2)
                try gate.open()
                for client in busy {
                    #expect(try client.readToEnd().text == "released\r\n")
                }
                try rr.expectExit(.code(0))
                for client in idle + busy {
                    #expect(try rr.events.of(client).map(\.event) == ["CONNECTED", "DATA", "CLOSE"])
                }
                #expect(try rr.events.count("STOP") == 3, "workers are asked to stop")
                #expect(rr.log.count(of: "WARN") == 0, "nothing is wrong")
            }
        }

        @Test("A request that waits for a worker when the signal comes is answered, too")
        func waitingRequest() async throws {
            let metrics = try Endpoint.free()
            try await withRR(Settings(workers: 1, more: "metrics: {address: \"\(metrics.address)\"}")) { rr in
                let waiting = try rr.client()
                #expect(try waiting.ask("hello") == "hello")
                let gate = rr.gate()
                let busy = try rr.client()
                try busy.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: busy)
                try waiting.send("waiting\r\n")
                try rr.awaitMetric("rr_tcp_requests_waiting", 1, at: metrics)
                rr.process.send(signal: SIGTERM)
                try rr.awaitClosedListener()
                try gate.open()
                #expect(try busy.readToEnd().text == "released\r\n")
                #expect(try waiting.readToEnd().text == "waiting\r\n")
                try rr.expectExit(.code(0))
                #expect(try rr.events.of(waiting).map(\.event) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
            }
        }

        @Test("A client that reads nothing holds the end up no longer than the grace period, and has its CLOSE")
        func unreadAnswer() async throws {
            try await withRR(Settings(more: "endure:\n  grace_period: 2s")) { rr in
                let slow = try rr.client(receiveBuffer: 4096)
                try slow.send("big 20000000\r\n")
                _ = try slow.read(1000)
                let start = ContinuousClock.now
                rr.process.send(signal: SIGTERM)
                _ = try rr.process.awaitExit()
                #expect(ContinuousClock.now - start < .milliseconds(3500))
                #expect(rr.leftovers == [])
                #expect(try rr.events.of(slow).map(\.event) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("With nobody there it ends at once")
        func idle() async throws {
            try await withRR(Settings()) { rr in
                let start = ContinuousClock.now
                try rr.stop()
                #expect(ContinuousClock.now - start < .seconds(3))
            }
        }

        @Test("A worker that answers too late is killed within the grace period")
        func hungWorker() async throws {
            try await withRR(Settings(more: "endure:\n  grace_period: 2s")) { rr in
                let client = try rr.client()
                let idle = try rr.client()
                #expect(try idle.ask("hello") == "hello")
                try client.send("hang\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                let start = ContinuousClock.now
                rr.process.send(signal: SIGTERM)
                #expect(try idle.readToEnd().isEmpty)
                try client.awaitEnd()
                // Something was cut off: not a success.
                try rr.expectExit(.code(1))
                let time = ContinuousClock.now - start
                #expect(time > .milliseconds(1500) && time < .milliseconds(3500), "\(time)")
                #expect(try rr.events.of(idle).last?.event == "CLOSE")
            }
        }

        @Test("A worker that does not stop when asked is killed after destroy_timeout")
        func workerThatStays() async throws {
            let settings = try Settings(pool: ["destroy_timeout: 1s"], environment: ["WORKER_STOP": "hang"])
            try await withRR(settings) { rr in
                let start = ContinuousClock.now
                rr.process.send(signal: SIGTERM)
                _ = try rr.process.awaitExit()
                let time = ContinuousClock.now - start
                #expect(time > .milliseconds(900) && time < .seconds(4), "\(time)")
                #expect(rr.leftovers == [])
            }
        }

        @Test("A second signal leaves at once and takes the workers along", arguments: [SIGTERM, SIGINT])
        func secondSignal(signal: Int32) async throws {
            try await withRR(Settings()) { rr in
                let client = try rr.client()
                try client.send("hang\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                rr.process.send(signal: SIGTERM)
                try rr.awaitClosedListener()
                #expect(!rr.process.hasExited)
                rr.process.send(signal: signal)
                #expect(try rr.process.awaitExit(within: .seconds(3)) == .code(1))
                try rr.log.await("exit forced")
                // Killed by it, reaped by init.
                try eventually("the workers to be gone", within: .seconds(3)) { rr.leftovers.isEmpty }
            }
        }

        @Test("A signal while the workers start ends it as well")
        func duringStart() async throws {
            let gate = Gate(path: "/tmp/rr-integration-never-\(UUID())")
            let rr = try RRProcess(Settings(environment: ["WORKER_START": gate.order]))
            defer { rr.destroy() }
            try eventually("the workers to be spawned") { rr.workers.count == 2 }
            rr.process.send(signal: SIGTERM)
            _ = try rr.process.awaitExit(within: .seconds(5))
            #expect(rr.leftovers == [])
            #expect(rr.log.count(of: "failed to spawn") == 0, "nothing has failed")
            #expect(rr.log.count(of: "killed by signal") == 0, "nobody is warned of it")
        }

        @Test("rr is killed: its workers end because their stdin does")
        func killed() async throws {
            try await withRR(Settings(workers: 4)) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                #expect(rr.leftovers.count == 4)
                rr.process.send(signal: SIGKILL)
                #expect(try rr.process.awaitExit() == .signal(SIGKILL))
                try eventually("the workers to end by themselves", within: .seconds(5)) { rr.leftovers.isEmpty }
            }
        }

        @Test("A worker that ignores the stop command is killed in time for a clean exit")
        func deafWorker() async throws {
            // destroy_timeout is 60 s by default.
            let settings = try Settings(
                workers: 1, environment: ["WORKER_STOP": "hang"], more: "endure:\n  grace_period: 3s")
            try await withRR(settings) { rr in
                #expect(try rr.client().ask("hello") == "hello")
                rr.process.send(signal: SIGTERM)
                try rr.expectExit(.code(0), within: .seconds(10))
            }
        }
    }
}
