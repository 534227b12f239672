import Foundation
import TestSupport
import Testing

extension Integration {
    /// Workers that die, lie and hang while a client waits: docs/protocol.md.
    @Suite struct WorkerFailures {
        /// A worker's failure instead of an answer, and the resulting log line.
        struct Case: CustomTestStringConvertible {
            var order: String
            /// One line of the log holds all of these.
            var log: [String]

            var testDescription: String { self.order }
        }

        @Test(
            "A worker that fails during a request: the client is let go, the log says why, the pool is whole again",
            arguments: [
                Case(order: "exit 0", log: ["exit"]),
                Case(order: "exit 3", log: ["exit", "3"]),
                Case(order: "kill", log: ["signal"]),
                Case(order: "garbage Warning: something is printed by mistake", log: ["something is printed"]),
                Case(order: "garbage-exit Fatal error: this was all", log: ["Fatal error: this was all"]),
                Case(order: "garbage-answer Notice: before the answer", log: ["Notice: before the answer"]),
                Case(order: "garbage-exit oops", log: ["oops"]),
                Case(order: "garbage ouch", log: ["ouch"]),
                Case(order: "half-exit", log: ["middle of an answer"]),
                Case(order: "optionless", log: ["option"]),
                Case(order: "huge", log: ["4294967280"]),
                Case(order: "close-stdout", log: ["worker"]),
                // A child of the worker keeps its pipes open.
                Case(order: "orphan 0", log: ["worker"]),
            ]
        )
        func duringRequest(test: Case) async throws {
            try await withRR(Settings(workers: 2)) { rr in
                try rr.awaitWholePool()
                let before = rr.workers
                let client = try rr.client()
                let address = client.localAddress
                try client.send("\(test.order)\r\n")
                // Text that is no frame is collected for up to two seconds.
                try client.awaitEnd(within: .seconds(10))
                let end = ContinuousClock.now
                try rr.log.await("the reason, \(test.log)") { line in
                    test.log.allSatisfy(line.contains)
                }
                let failed = try #require(try rr.events.of(address).first { $0.event == "DATA" }).pid

                #expect(try rr.client().ask("the other worker") == "the other worker")
                try rr.awaitWholePool(without: [failed], within: .seconds(5))
                #expect(ContinuousClock.now - end < .seconds(3), "a second is promised, on a machine that is not busy")
                #expect(rr.workers.isSuperset(of: before.subtracting([failed])), "only the one that failed is replaced")
                try eventually("all that ended to be reaped") { ProcessTable.zombies(of: rr.pid).isEmpty }
                #expect(try rr.events.awaitClose(of: address) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("Half a frame, then silence: the client is let go when the worker is killed")
        func halfFrame() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                let client = try rr.client()
                try client.send("half\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                let worker = try #require(try rr.events.of(client).last).pid
                #expect(try rr.client().ask("the other worker") == "the other worker")
                #expect(client.isQuiet)
                kill(worker, SIGKILL)
                try client.awaitEnd()
                try rr.awaitWholePool(without: [worker], within: .seconds(5))
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("A busy worker is killed from outside: its client is closed, the next ones are served")
        func killedWhileBusy() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                for _ in 1...3 {
                    let client = try rr.client()
                    try client.send("hang\r\n")
                    try rr.events.await("DATA", count: 1, of: client)
                    let worker = try #require(try rr.events.of(client).last).pid
                    // Waits for the worker that comes.
                    let next = try rr.client()
                    try next.send("next\r\n")
                    kill(worker, SIGKILL)
                    try client.awaitEnd()
                    #expect(try next.readLine() == "next")
                    #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
                    let closer = try rr.events.of(client).last?.pid
                    #expect(closer != worker)
                }
            }
        }

        @Test("A worker that was asked to end and dies of an event behind that leaves nothing of its process group")
        func deadWhileLeaving() async throws {
            let metrics = try Endpoint.free()
            let settings = try Settings(
                workers: 1, pool: ["pipeline: {depth: 64}"], more: "metrics: {address: \"\(metrics.address)\"}")
            try await withRR(settings) { rr in
                let clients = try (0..<3).map { _ in try rr.client() }
                // It shows that it replies to what is asked between events, and gets them ahead from then on.
                for _ in 1...20 {
                    for client in clients {
                        try client.send("warm\r\n")
                    }
                    for client in clients {
                        #expect(try client.readLine() == "warm")
                    }
                }
                let worker = try #require(rr.workers.first)
                let gate = rr.gate()
                // All of them are the worker's before it goes on: it refuses the second, and dies of the third.
                for (number, order) in [gate.order, "stop", "orphan 0"].enumerated() {
                    try clients[number].send("\(order)\r\n")
                    try eventually("the event to be the worker's") {
                        try Metrics.scrape(metrics)[#"rr_tcp_events_total{server="main",event="DATA"}"#]
                            == Double(61 + number)
                    }
                }
                try gate.open()
                #expect(try clients[0].readLine() == "released")
                try clients[2].awaitEnd()
                try rr.awaitWholePool(without: [worker])
                try eventually("nothing else to be left") { rr.leftovers == rr.workers && rr.workers.count == 1 }
            }
        }

        @Test("An idle worker is killed: nobody notices, it is replaced at once")
        func killedWhileIdle() async throws {
            try await withRR(Settings(workers: 3)) { rr in
                try rr.awaitWholePool()
                let client = try rr.client()
                #expect(try client.ask("before") == "before")
                let before = rr.killWorkers()
                try rr.awaitWholePool(without: before, within: .seconds(5))
                #expect(try client.ask("after") == "after")
                try eventually("all that ended to be reaped") { ProcessTable.zombies(of: rr.pid).isEmpty }
                for number in 1...50 {
                    #expect(try rr.client().ask("client \(number)") == "client \(number)")
                }
            }
        }

        @Test("Workers die under load again and again: a client is answered right or closed, and the pool recovers")
        func killedUnderLoad() async throws {
            try await withRR(Settings(workers: 4)) { rr in
                let descriptors = try ProcessTable.descriptorCount(of: rr.pid)
                try await withThrowingTaskGroup { group in
                    for number in 1...8 {
                        group.addTask {
                            for round in 1...25 {
                                let text = "client \(number) round \(round)"
                                let client = try rr.client()
                                do {
                                    #expect(try client.ask(text) == text)
                                    #expect(try client.ask(text) == text)
                                } catch is UnexpectedEnd {
                                } catch let error as SystemError {
                                    #expect([EPIPE, ECONNRESET].contains(error.code))
                                }
                            }
                        }
                    }
                    group.addTask {
                        for _ in 1...20 {
                            usleep(20_000)
                            rr.workers.randomElement().map { _ = kill($0, SIGKILL) }
                        }
                    }
                    try await group.waitForAll()
                }
                try rr.awaitWholePool()
                #expect(try rr.client().ask("well again") == "well again")
                try eventually("no descriptor to be left") {
                    try ProcessTable.descriptorCount(of: rr.pid) == descriptors
                }
                try rr.stop()
                let events = try rr.events.all.filter { $0.uuid != nil }
                let connections = Dictionary(grouping: events, by: \.uuid).values.map { $0.map(\.event) }
                for events in connections {
                    #expect(events.count { $0 == "CONNECTED" } <= 1, "\(events)")
                    #expect(events.count { $0 == "CLOSE" } <= 1, "\(events)")
                }
                // An event that a worker had been given when it was killed is not told again.
                let whole = connections.count { $0.first == "CONNECTED" && $0.last == "CLOSE" }
                #expect(whole >= 200 - 2 * 20)
            }
        }

        @Test("A worker floods its stderr: it is all in the log with the worker's pid, and blocks nobody")
        func floodedStandardError() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                let client = try rr.client()
                #expect(try client.ask("flood 4000000") == "flooded")
                let pid = try #require(try rr.events.of(client).last).pid
                let last = try rr.log.await("flood ends after")
                #expect(last.contains("\(pid)"))
                let numbers = last.split(separator: " ").compactMap { Int($0) }
                let count = try #require(numbers.first { $0 > 1000 && $0 < 100_000 && $0 != Int(pid) })
                #expect(rr.log.count(of: "flood line ") == count)
                #expect(rr.log.contains(String(format: "flood line %06d x", count - 1)))
                #expect(try client.ask("alive") == "alive")
            }
        }

        @Test("What a worker says on stderr before it ends is logged, the end of its last line missing or not")
        func lastWords() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                try client.send("flood-exit 100000\r\n")
                try client.awaitEnd()
                try rr.log.await("flood without an end of line")
                #expect(rr.log.contains("flood ends after"))
                #expect(try rr.client().ask("next") == "next")
            }
        }

        @Test("A worker that ends after its answer: the answer arrives, the connection lives on")
        func exitAfterAnswer() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                for number in 1...3 {
                    let before = rr.workers
                    #expect(try client.ask("exit-after answer \(number)") == "answer \(number)")
                    // Requests made while it is ending may be lost with it.
                    try rr.awaitWholePool(without: before)
                }
                #expect(try client.ask("and on") == "and on")
                #expect(Set(try rr.events.of(client).filter { $0.event == "DATA" }.map(\.pid)).count == 4)
            }
        }

        @Test("A worker's last answer counts although its end is noticed with it", arguments: 1...10)
        func endWithAnswer(round: Int) async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("wait-exit \(gate.path)\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                // While rr is stopped, the answer and the end of the process gather.
                let worker = try #require(rr.workers.first)
                rr.process.send(signal: SIGSTOP)
                try gate.open()
                try eventually("the worker to end") { !ProcessTable.isAlive(worker) }
                rr.process.send(signal: SIGCONT)
                #expect(try client.readLine() == "last words")
                try rr.awaitWholePool(without: [worker])
                #expect(try client.ask("and on") == "and on")
            }
        }

        @Test("An answer that nobody asked for goes to nobody")
        func unsolicitedAnswer() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                #expect(try client.ask("twice") == "once")
                let other = try rr.client()
                #expect(try other.ask("other") == "other")
                #expect(try client.ask("third") == "third")
                try rr.stop()
                let liar = try #require(try rr.events.of(client).first { $0.event == "DATA" }).pid
                #expect(try rr.events.of(other).allSatisfy { $0.pid != liar })
            }
        }

        @Test("A worker that hears nothing any more is replaced, and what it never got is given to another")
        func closedStandardInput() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                #expect(try client.ask("close-stdin") == "closing")
                let deaf = try #require(try rr.events.of(client).last).pid
                try eventually("its stdin to be closed") { (try? ProcessTable.descriptors(of: deaf))?[0] == nil }
                #expect(try client.ask("anybody?") == "anybody?")
                try rr.awaitWholePool(without: [deaf], within: .seconds(5))
            }
        }

        @Test("A worker that dies at CONNECTED: the client is closed and CLOSE told")
        func dieAtConnected() async throws {
            try await withRR(Settings(environment: ["WORKER_CONNECTED": "exit 4"])) { rr in
                let client = try rr.client()
                try client.awaitEnd()
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "CLOSE"])
            }
        }

        @Test("A worker that dies at CLOSE is replaced, and its CLOSE is not told twice")
        func dieAtClose() async throws {
            try await withRR(Settings(workers: 1, environment: ["WORKER_CLOSE": "exit 4"])) { rr in
                for _ in 1...3 {
                    let client = try rr.client()
                    #expect(try client.ask("hello") == "hello")
                    client.close()
                    #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
                }
                try rr.stop()
                #expect(try rr.events.count("CLOSE") == 3)
            }
        }

        @Test("Why workers cannot be started is in the log also long after the start")
        func startFailureAfterTheStart() async throws {
            let directory = try TemporaryDirectory()
            for name in ["worker.php", "wire.php"] {
                let text = try String(contentsOfFile: "\(Fixture.directory)/\(name)", encoding: .utf8)
                try directory.write(text, to: name)
            }
            var settings = try Settings(workers: 1)
            settings.command = "php worker.php"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            try FileManager.default.removeItem(atPath: directory.file("worker.php"))
            rr.killWorkers()
            try rr.log.await("failed to spawn a worker", "Could not open input file")
        }
    }
}
