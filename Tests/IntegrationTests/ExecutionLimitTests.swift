import Foundation
import Testing

extension Integration {
    /// `exec_ttl`, and workers that are known to be of no use without it.
    @Suite struct ExecutionLimit {
        @Test("exec_ttl kills the worker with all it has started; its client is let go, the others are not touched")
        func group() async throws {
            try await withRR(Settings(workers: 2, pool: ["supervisor: {exec_ttl: 1s}"])) { rr in
                let before = rr.workers
                let client = try rr.client()
                let address = client.localAddress
                try client.send("family\r\n")
                try eventually("the worker's child") { rr.leftovers.count == 3 }
                let worker = try #require(try rr.events.of(address).last).pid
                try await withTraffic(rr, clients: 2) {
                    try client.awaitEnd()
                    try rr.awaitWholePool(without: [worker])
                }
                try rr.log.await("exec_ttl")
                #expect(rr.workers.isSuperset(of: before.subtracting([worker])), "nobody else is killed")
                try eventually("the worker's child to be gone") { rr.leftovers == rr.workers }
                #expect(try rr.events.awaitClose(of: address) == ["CONNECTED", "DATA", "CLOSE"])
                try eventually("all that ended to be reaped") { ProcessTable.zombies(of: rr.pid).isEmpty }
            }
        }

        @Test("exec_ttl gives a request the time it says, and means requests only")
        func inTime() async throws {
            try await withRR(Settings(workers: 1, pool: ["supervisor: {exec_ttl: 3s}"])) { rr in
                let before = rr.workers
                let client = try rr.client()
                for _ in 1...3 {
                    #expect(try client.ask("sleep 1200") == "slept")
                }
                try rr.always("an idle worker stays", for: .seconds(4)) { rr.workers == before }
                #expect(try client.ask("still connected") == "still connected")
                let start = ContinuousClock.now
                try client.send("hang\r\n")
                try client.awaitEnd()
                let time = ContinuousClock.now - start
                #expect(time > .milliseconds(2900) && time < .seconds(8), "\(time)")
            }
        }

        @Test("CONNECTED and CLOSE have their limit as well, and CLOSE is not told twice")
        func otherEvents() async throws {
            let pool = ["supervisor: {exec_ttl: 500ms}"]
            try await withRR(Settings(workers: 1, pool: pool, environment: ["WORKER_CONNECTED": "hang"])) { rr in
                let client = try rr.client()
                let address = client.localAddress
                try client.awaitEnd()
                #expect(try rr.events.awaitClose(of: address) == ["CONNECTED", "CLOSE"])
            }
            try await withRR(Settings(workers: 1, pool: pool, environment: ["WORKER_CLOSE": "hang"])) { rr in
                for number in 1...3 {
                    let client = try rr.client()
                    #expect(try client.ask("hello \(number)") == "hello \(number)")
                    client.close()
                    #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
                }
                try rr.events.await("START", count: 4)
                #expect(try rr.events.count("CLOSE") == 3)
            }
        }

        @Test("A worker that is stopped as a process is killed as well")
        func stoppedProcess() async throws {
            try await withRR(Settings(workers: 1, pool: ["supervisor: {exec_ttl: 500ms}"])) { rr in
                let worker = try #require(rr.workers.first)
                kill(worker, SIGSTOP)
                // Whether CONNECTED was read before nobody knows: no event is in the log.
                try rr.client().awaitEnd()
                try rr.awaitWholePool(without: [worker])
                #expect(try rr.client().ask("next") == "next")
            }
        }

        @Test(
            "Without exec_ttl: a few stray bytes, then silence; noticed as soon as they can become no frame",
            arguments: ["x", "ok", "<br />", "\u{1B}[31m", "\u{14}\u{0}\u{5}"]
        )
        func strayBytes(text: String) async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let worker = try #require(rr.workers.first)
                let client = try rr.client()
                try client.send("garbage \(text)\r\n")
                guard text.utf8.first != 0x14 else {
                    // This is how an answer starts: the rest may come.
                    try rr.always("what may become a frame is waited for", for: .seconds(3)) { client.isQuiet }
                    kill(worker, SIGKILL)
                    try client.awaitEnd()
                    return
                }
                try client.awaitEnd(within: .seconds(10))
                try rr.awaitWholePool(without: [worker])
                #expect(try rr.client().ask("next") == "next")
            }
        }
    }
}
