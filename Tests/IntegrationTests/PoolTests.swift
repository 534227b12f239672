import Foundation
import TestSupport
import Testing

extension Integration {
    /// `tcp.pool`: docs/configuration.md.
    @Suite struct Pool {
        @Test("num_workers workers are there at the start, and they start side by side")
        func parallelStart() async throws {
            let meeting = try TemporaryDirectory()
            defer { meeting.remove() }
            // Each worker waits before its handshake until all have come.
            let environment = ["WORKER_START": "rendezvous 6 \(meeting.path)"]
            try await withRR(Settings(workers: 6, environment: environment)) { rr in
                #expect(rr.workers.count == 6)
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                try rr.events.await("START", count: 6)
            }
        }

        @Test("allocate_timeout refuses who waits too long, and only them")
        func allocateTimeout() async throws {
            try await withRR(Settings(workers: 1, pool: ["allocate_timeout: 2s"])) { rr in
                let gate = rr.gate()
                let patient = try rr.client()
                try patient.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: patient)

                let start = ContinuousClock.now
                let refused = try rr.client()
                try refused.awaitEnd()
                let wait = ContinuousClock.now - start
                #expect(wait > .milliseconds(1900) && wait < .seconds(4))
                try rr.log.await("no free workers in the pool, wait timeout exceed")

                // The first one has waited longer, but for its worker.
                #expect(patient.isQuiet)
                let waiting = try rr.client()
                try waiting.send("in time\r\n")
                try gate.open()
                #expect(try patient.readLine() == "released")
                #expect(try waiting.readLine() == "in time")
                try rr.stop()
                #expect(try rr.events.of(refused).isEmpty, "it has reached no worker, neither has its end")
                #expect(rr.log.count(of: "no free workers in the pool") == 1)
            }
        }

        @Test("An event that finds no worker in time closes the connection, which gets its CLOSE")
        func allocateTimeoutOfData() async throws {
            try await withRR(Settings(workers: 1, pool: ["allocate_timeout: 1s"])) { rr in
                let known = try rr.client()
                #expect(try known.ask("hello") == "hello")
                let gate = rr.gate()
                let busy = try rr.client()
                try busy.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: busy)
                try known.send("too late\r\n")
                #expect(try known.readToEnd().isEmpty)
                // CLOSE waits for a worker as well, and there may be none in time.
                try gate.open()
                #expect(try busy.readLine() == "released")
                try rr.stop()
                let events = try rr.events.of(known).map(\.event)
                #expect([["CONNECTED", "DATA", "CLOSE"], ["CONNECTED", "DATA"]].contains(events))
            }
        }

        @Test("max_queue_size: as many events as it says run and wait, one more is refused at once")
        func maxQueueSize() async throws {
            try await withRR(Settings(workers: 2, pool: ["max_queue_size: 3"])) { rr in
                let gate = rr.gate()
                let running = [try rr.client(), try rr.client()]
                for client in running {
                    try client.send("\(gate.order)\r\n")
                    try rr.events.await("DATA", count: 1, of: client)
                }
                // One of these waits. Which one, the loops decide.
                let more = try (1...5).map { _ in try rr.client() }
                for client in more {
                    // Those that are refused may be gone.
                    try? client.send("served\r\n")
                }
                try eventually("four refusals") { rr.log.count(of: "max queue size reached") == 4 }
                try gate.open()
                for client in running {
                    #expect(try client.readLine() == "released")
                }
                let outcomes = try more.map { client in
                    do {
                        return try client.readLine()
                    } catch is UnexpectedEnd {
                        return "refused"
                    } catch let error as SystemError where error.code == ECONNRESET {
                        return "refused"
                    }
                }
                #expect(outcomes.sorted() == ["refused", "refused", "refused", "refused", "served"])
                #expect(try rr.client().ask("room again") == "room again")
                try rr.stop()
                #expect(rr.log.count(of: "max queue size reached") == 4)
                #expect(try rr.events.count("CLOSE") == 4)
            }
        }

        @Test("First come, first served")
        func order() async throws {
            let metrics = try Endpoint.free()
            try await withRR(Settings(workers: 1, more: "metrics: {address: \"\(metrics.address)\"}")) { rr in
                let clients = try (1...6).map { _ in try rr.client() }
                for (number, client) in clients.enumerated() {
                    #expect(try client.ask("here \(number)") == "here \(number)")
                }
                let gate = rr.gate()
                let busy = try rr.client()
                try busy.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: busy)
                for (number, client) in clients.enumerated() {
                    try client.send("turn \(number)\r\n")
                    try rr.awaitMetric("rr_tcp_requests_waiting", Double(number + 1), at: metrics)
                }
                try gate.open()
                for (number, client) in clients.enumerated() {
                    #expect(try client.readLine() == "turn \(number)")
                }
                let addresses = clients.map(\.localAddress)
                let served = try rr.events.all.filter { $0.event == "DATA" }.compactMap(\.remoteAddress).suffix(6)
                #expect(Array(served) == addresses)
            }
        }

        @Test("A worker that answers {\"stop\":true} is replaced, and another one gets the request")
        func stopOnce() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                try rr.awaitWholePool()
                let client = try rr.client()
                let server = try #require(pid_t(try client.ask("stop-once \(rr.directory.file("asked"))")))
                let tried = try rr.events.of(client).filter { $0.event == "DATA" }.map(\.pid)
                #expect(tried.count == 2)
                #expect(tried.last == server)
                let replaced = try #require(tried.first)
                #expect(replaced != server)
                try rr.awaitWholePool(without: [replaced])
                #expect(rr.workers.contains(server))
                #expect(try client.ask("still connected") == "still connected")
            }
        }

        @Test("A request that all answer with {\"stop\":true} is tried three times, then its client is closed")
        func stopAlways() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                let client = try rr.client()
                try client.send("stop\r\n")
                #expect(try client.readToEnd().isEmpty)
                #expect(
                    try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "DATA", "DATA", "CLOSE"]
                )
                let tried = try rr.events.of(client).filter { $0.event == "DATA" }.map(\.pid)
                #expect(Set(tried).count == 3)
                #expect(try rr.client().ask("next") == "next")
                try rr.awaitWholePool(without: Set(tried))
            }
        }

        @Test("max_jobs replaces workers once a successor is ready, and no request fails")
        func maxJobs() async throws {
            try await withRR(Settings(workers: 2, pool: ["max_jobs: 20"])) { rr in
                try await withThrowingTaskGroup { group in
                    for number in 1...4 {
                        group.addTask {
                            let client = try rr.client()
                            for round in 1...100 {
                                #expect(try client.ask("\(number) \(round)") == "\(number) \(round)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try rr.events.await("CLOSE", count: 4)
                let events = try rr.events.all.filter { $0.uuid != nil }
                #expect(events.count == 4 * 102)
                let jobs = Dictionary(grouping: events, by: \.pid).mapValues(\.count)
                try eventually("those at their limit to be gone") {
                    !jobs.contains { $0.value >= 22 && ProcessTable.isAlive($0.key) }
                }
                try rr.awaitWholePool()
                let gone = jobs.filter { !ProcessTable.isAlive($0.key) }
                #expect(gone.count >= 2, "\(jobs)")
                #expect(gone.values.allSatisfy { $0 >= 20 }, "\(jobs)")
                #expect(try rr.events.count("STOP") == gone.count, "asked, not killed")
            }
        }

        @Test("Workers at max_jobs go on while their successors start, and leave one after the other")
        func successorsThatStartSlowly() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            // Holds workers back before their handshake.
            let gate = Gate(path: directory.file("gate"))
            try gate.open()
            let settings = try Settings(workers: 2, pool: ["max_jobs: 5"], environment: ["WORKER_START": gate.order])
            try await withRR(settings) { rr in
                try rr.events.await("START", count: 2)
                let old = rr.workers
                try gate.shut()
                try await withThrowingTaskGroup { group in
                    for number in 1...4 {
                        group.addTask {
                            let client = try rr.client()
                            for round in 1...20 {
                                #expect(try client.ask("\(number) \(round)") == "\(number) \(round)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try rr.awaitWorkers(3)
                #expect(rr.workers.isSuperset(of: old), "nobody waits for a successor")
                #expect(try rr.events.count("STOP") == 0)
                try gate.open()
                // One is replaced when its successor is ready, the other one after its next answer at the latest.
                let client = try rr.client()
                try eventually("both to be replaced") {
                    let answer = try client.ask("still connected")
                    return answer == "still connected" && !old.contains(where: ProcessTable.isAlive)
                }
                let stopped = try rr.events.all.filter { $0.event == "STOP" }.map(\.pid)
                #expect(old.isSubset(of: stopped), "asked, not killed")
            }
        }
    }
}
