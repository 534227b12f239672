import Foundation
import TestSupport
import Testing

extension Integration {
    /// `tcp.pool.dynamic_allocator`: docs/configuration.md.
    @Suite struct Allocator {
        private static func settings(
            spawnRate: Int, idleTimeout: String = "1s", _ more: String...
        ) throws -> Settings {
            let allocator = "{max_workers: 3, spawn_rate: \(spawnRate), idle_timeout: \(idleTimeout)}"
            return try Settings(workers: 1, pool: ["dynamic_allocator: \(allocator)"] + more)
        }

        @Test(
            "It grows as soon as events wait, serves those, and shrinks when there is nothing to do",
            arguments: [5, 1]
        )
        func growth(spawnRate: Int) async throws {
            try await withRR(Self.settings(spawnRate: spawnRate)) { rr in
                #expect(rr.workers.count == 1)
                let clients = try (1...6).map { _ in try rr.client() }
                try rr.events.await("CONNECTED", count: 6)
                let gate = rr.gate()
                for client in clients {
                    try client.send("\(gate.order)\r\n")
                }
                // allocate_timeout is a minute: long before it.
                try rr.events.await("DATA", count: 4, within: .seconds(20))
                try rr.always("there are num_workers + max_workers and no more", for: .seconds(1)) {
                    try rr.workers.count == 4 && rr.events.count("DATA") == 4
                }
                #expect(clients.count { $0.isQuiet } == 6)
                try gate.open()
                for client in clients {
                    #expect(try client.readLine() == "released")
                }
                try rr.awaitWorkers(1)
                try rr.events.await("STOP", count: 3)
                for client in clients {
                    #expect(try client.ask("still connected") == "still connected")
                }
            }
        }

        @Test("It grows again after it has shrunk, and never past its limit under a crowd")
        func crowds() async throws {
            // With a fixed depth of 64 one worker would have them all.
            let settings = try Self.settings(spawnRate: 2, idleTimeout: "500ms", "pipeline: {depth: auto}")
            try await withRR(settings) { rr in
                for _ in 1...3 {
                    try await withTraffic(rr, clients: 12) {
                        try rr.awaitWorkers(4)
                        // Those that are on their way out would count as well; under this load there are none.
                        try rr.always("there are four at the most", for: .seconds(1)) { rr.workers.count <= 4 }
                    }
                    try rr.awaitWorkers(1)
                }
                #expect(rr.log.count(of: "no free workers") == 0)
            }
        }

        @Test("Under a steady load that one worker carries it is left alone")
        func steadyLoad() async throws {
            try await withRR(Self.settings(spawnRate: 5, idleTimeout: "300ms")) { rr in
                let client = try rr.client()
                let worker = try client.inspect().pid
                try rr.always("nothing is started", for: .seconds(3)) { try client.inspect().pid == worker }
                #expect(try rr.events.count("START") == 1)
            }
        }

        @Test("Workers that it has started are replaced as others are when they fail")
        func failure() async throws {
            try await withRR(Self.settings(spawnRate: 5, idleTimeout: "2s")) { rr in
                let gate = rr.gate()
                let clients = try (1...4).map { _ in try rr.client() }
                for client in clients {
                    try client.send("\(gate.order)\r\n")
                }
                try rr.events.await("DATA", count: 4)
                let killed = rr.killWorkers()
                for client in clients {
                    let address = client.localAddress
                    try client.awaitEnd()
                    #expect(try rr.events.awaitClose(of: address) == ["CONNECTED", "DATA", "CLOSE"])
                }
                try rr.awaitWorkers(1, without: killed)
                #expect(try rr.client().ask("next") == "next")
            }
        }
    }

    /// `tcp.pool.debug`: docs/configuration.md.
    @Suite struct Debug {
        @Test("Each event gets a worker of its own, and none is kept")
        func freshWorkers() async throws {
            try await withRR(Settings(workers: 3, pool: ["debug: true"])) { rr in
                #expect(rr.workers.isEmpty, "num_workers is ignored")
                try await withThrowingTaskGroup { group in
                    for number in 1...3 {
                        group.addTask {
                            let client = try rr.client()
                            for round in 1...4 {
                                #expect(try client.ask("\(number) \(round)") == "\(number) \(round)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try rr.events.await("CLOSE", count: 3)
                try eventually("the workers to be gone") { rr.leftovers.isEmpty }
                let events = try rr.events.all.filter { $0.uuid != nil }
                #expect(events.count == 3 * 6)
                #expect(Set(events.map(\.pid)).count == events.count)
                #expect(try rr.events.count("STOP") == events.count, "asked, not killed")
                #expect(rr.log.count(of: "cannot") == 0)
            }
        }

        @Test("A change of the script is seen by the next event")
        func changedScript() async throws {
            let directory = try TemporaryDirectory()
            let include = "require '\(Fixture.directory)/worker.php';"
            try directory.write("<?php putenv('WORKER_DATA=write old'); \(include)", to: "own.php")
            var settings = try Settings(pool: ["debug: true"])
            settings.command = "php own.php"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            let client = try rr.client()
            #expect(try client.ask("which?") == "old")
            try directory.write("<?php putenv('WORKER_DATA=write new'); \(include)", to: "own.php")
            #expect(try client.ask("which?") == "new")
            try rr.stop()
        }
    }
}
