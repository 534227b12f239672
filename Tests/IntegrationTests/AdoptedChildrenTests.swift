import Foundation
import Testing

extension Integration {
    /// As process 1 of a container, or a subreaper as here, `rr` is given the children of processes that have ended.
    @Suite struct AdoptedChildren {
        private static func settings(_ pool: String...) throws -> Settings {
            var settings = try Settings(pool: pool)
            settings.launcher = ["/usr/bin/python3", "\(Fixture.directory)/subreaper.py"]
            return settings
        }

        @Test("They are reaped, under traffic as well, and workers are as ever")
        func reaping() async throws {
            try await withRR(Self.settings()) { rr in
                try await withTraffic(rr, clients: 2) {
                    let client = try rr.client()
                    for _ in 1...2 {
                        let orphan = try #require(pid_t(try client.ask("adopted")))
                        // It lives a little yet, and is seen twice before it is reaped.
                        let adopted = ProcessTable.children(of: rr.pid).union(ProcessTable.zombies(of: rr.pid))
                        #expect(adopted.contains(orphan), "else the test is worth nothing")
                        try eventually("the orphan to be reaped", within: .seconds(15)) { kill(orphan, 0) != 0 }
                    }
                }
                try eventually("all that ended to be reaped") { ProcessTable.zombies(of: rr.pid).isEmpty }
                let before = rr.killWorkers()
                try rr.awaitWholePool(without: before)
                #expect(try rr.client().ask("as ever") == "as ever")
                try rr.events.await("START", count: 4)
                try rr.stop()
                #expect(try rr.events.count("START") == 4, "no worker was lost")
            }
        }

        @Test("Many at once, while workers end, too")
        func many() async throws {
            try await withRR(Self.settings("max_jobs: 5")) { rr in
                try await withThrowingTaskGroup { group in
                    for _ in 1...4 {
                        group.addTask {
                            for _ in 1...10 {
                                let client = try rr.client()
                                _ = try client.ask("adopted")
                                client.close()
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try eventually("all that ended to be reaped") {
                    ProcessTable.zombies(of: rr.pid).isEmpty && rr.leftovers == rr.workers
                }
                try rr.awaitWholePool()
                try rr.stop()
                #expect(try rr.events.count("CLOSE") == 40)
                let stopped = try rr.events.all.filter { $0.event == "STOP" }.map(\.pid)
                #expect(try Set(stopped) == Set(rr.events.all.map(\.pid)), "each worker was asked to stop")
            }
        }
    }
}
