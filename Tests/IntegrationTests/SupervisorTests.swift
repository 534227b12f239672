import Foundation
import TestSupport
import Testing

extension Integration {
    /// `tcp.pool.supervisor`: docs/configuration.md.
    @Suite struct Supervisor {
        @Test(
            "An idle worker past a limit is replaced, and its successor is ready before it is told to stop",
            arguments: ["ttl", "idle_ttl"]
        )
        func successorFirst(limit: String) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            // Holds workers back before their handshake.
            let gate = Gate(path: directory.file("gate"))
            try gate.open()
            let settings = try Settings(
                workers: 2,
                pool: ["supervisor: {watch_tick: 200ms, \(limit): 3s}"],
                environment: ["WORKER_START": gate.order]
            )
            try await withRR(settings) { rr in
                try gate.shut()
                try rr.awaitWholePool()
                let old = rr.workers
                // One at a time: a quarter of the pool, but one at least.
                try rr.awaitWorkers(3)
                try rr.always("both go on until a successor is ready", for: .seconds(1)) {
                    try rr.workers.isSuperset(of: old) && rr.workers.count == 3 && rr.events.count("STOP") == 0
                }
                let client = try rr.client()
                #expect(old.contains(try client.inspect().pid))
                try gate.open()
                try eventually("both to be replaced") { !old.contains(where: ProcessTable.isAlive) }
                try rr.log.await("to be replaced", limit)
                #expect(try client.ask("still connected") == "still connected")
                let stopped = try rr.events.all.filter { $0.event == "STOP" }.map(\.pid)
                #expect(old.isSubset(of: stopped), "asked, not killed")
            }
        }

        @Test("ttl under traffic: the workers change again and again, and nobody notices")
        func ttlUnderTraffic() async throws {
            try await withRR(Settings(workers: 3, pool: ["supervisor: {watch_tick: 100ms, ttl: 1s}"])) { rr in
                try await withTraffic(rr) {
                    try rr.events.await("STOP", count: 9)
                }
                #expect(rr.log.count(of: "exec_ttl") == 0)
            }
        }

        @Test("A worker that is used is not idle")
        func usedWorker() async throws {
            try await withRR(Settings(workers: 1, pool: ["supervisor: {watch_tick: 100ms, idle_ttl: 2s}"])) { rr in
                let client = try rr.client()
                let first = try client.inspect().pid
                try rr.always("the worker stays", for: .seconds(4)) { try client.inspect().pid == first }
                try rr.awaitWholePool(without: [first])
                #expect(try client.ask("still connected") == "still connected")
            }
        }

        @Test("max_worker_memory: who holds too much is replaced, and only who does")
        func memory() async throws {
            let settings = try Settings(workers: 3, pool: ["supervisor: {watch_tick: 200ms, max_worker_memory: 100}"])
            try await withRR(settings) { rr in
                let before = rr.workers
                let client = try rr.client()
                let eater = try #require(pid_t(try client.ask("eat 150")))
                try eventually("it to be gone") { !ProcessTable.isAlive(eater) }
                try rr.awaitWholePool(without: [eater])
                try rr.log.await("to be replaced", "max_worker_memory")
                #expect(rr.workers.isSuperset(of: before.subtracting([eater])))
                #expect(try rr.events.all.filter { $0.event == "STOP" }.map(\.pid) == [eater])
                #expect(try client.ask("still connected") == "still connected")
            }
        }

        @Test(
            "A busy worker past a limit finishes its request while its successor is ready already",
            arguments: ["ttl: 1s", "max_worker_memory: 100"]
        )
        func busyWorker(limit: String) async throws {
            try await withRR(Settings(workers: 2, pool: ["supervisor: {watch_tick: 200ms, \(limit)}"])) { rr in
                try rr.events.await("START", count: 2)
                let before = Set(try rr.events.all.map(\.pid))
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("eat-wait \(gate.path)\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                let busy = try #require(try rr.events.of(client).last).pid
                try eventually("successors, of both when their time is over") {
                    let successors = try rr.events.all.filter { $0.event == "START" && !before.contains($0.pid) }
                    return successors.count >= (limit.hasPrefix("ttl") ? 2 : 1)
                }
                try rr.always("it is let finish", for: .seconds(1)) { ProcessTable.isAlive(busy) && client.isQuiet }
                try gate.open()
                #expect(try client.readLine() == "released")
                try eventually("it to be gone") { !ProcessTable.isAlive(busy) }
                #expect(try rr.events.all.contains { $0.event == "STOP" && $0.pid == busy }, "asked, not killed")
                #expect(try client.inspect().pid != busy)
            }
        }
    }
}
