import Foundation
import Testing

extension Integration {
    /// All at once: failing workers, clients of every kind, signals, and too few descriptors.
    @Suite struct TortureRun {
        private static func settings() throws -> Settings {
            let supervisor = "{watch_tick: 500ms, ttl: 7s, idle_ttl: 5s, exec_ttl: 2s, max_worker_memory: 90}"
            var settings = try Settings(
                .init("main"),
                .init("split", "framing: split"),
                workers: 4,
                pool: [
                    "allocate_timeout: 10s", "destroy_timeout: 2s", "max_jobs: 300", "supervisor: \(supervisor)",
                    "dynamic_allocator: {max_workers: 3, spawn_rate: 2, idle_timeout: 2s}",
                ]
            )
            settings.launcher = [
                "/usr/bin/prlimit", "--nofile=160:160", "/usr/bin/python3", "\(Fixture.directory)/subreaper.py",
            ]
            return settings
        }

        @Test("Torture: right answers or none, one CLOSE for each CONNECTED, and nothing is left of it")
        func torture() async throws {
            let seed = TortureOrder.seed
            print("torture: TORTURE_SEED=\(seed) TORTURE_SECONDS=\(TortureOrder.seconds)")
            try await withRR(Self.settings()) { rr in
                #expect(try rr.client().ask("hello") == "hello")
                try rr.events.await("CLOSE", count: 1)
                try rr.awaitWholePool()
                // The least of some looks: libdispatch opens files in /proc for a moment, once a second on a busy machine.
                let descriptors =
                    try (1...20).map { _ in
                        usleep(20_000)
                        return try ProcessTable.descriptorCount(of: rr.pid)
                    }.min() ?? 0
                let torture = Torture(rr)
                // What it takes to be warm is not lost.
                await torture.run(for: .seconds(TortureOrder.seconds) / 3, seed: seed)
                let memory = try ProcessTable.residentMemory(of: rr.pid)
                await torture.run(for: .seconds(TortureOrder.seconds) * 2 / 3, seed: ~seed)
                print("torture: \(torture.summary)")

                // Whatever was on its way when the last one left.
                try awaitValue("the configuration of the start") {
                    try rr.reload(rr.settings).contains("not reloaded") ? nil : ()
                }
                try Self.awaitCalm(rr, descriptors: descriptors)
                for number in 1...100 {
                    #expect(try rr.client().ask("well again \(number)") == "well again \(number)")
                }
                let growth = try ProcessTable.residentMemory(of: rr.pid) - memory
                print("torture: \(growth) bytes of memory more than after its first third")
                #expect(growth < 24 << 20)
                #expect(torture.tally["answers"] ?? 0 > 10 * TortureOrder.seconds)
                try rr.stop()
                TortureLedger(try rr.events.all).check(rr.log)
            }
        }

        /// Waits until there are the workers of the configuration and nothing else; says what there is when that is in vain.
        private static func awaitCalm(_ rr: RRProcess, descriptors: Int) throws {
            do {
                try eventually("everything to settle", within: .seconds(60)) {
                    usleep(100_000)
                    return try rr.workers.count == rr.settings.workers && rr.leftovers == rr.workers
                        && ProcessTable.descriptorCount(of: rr.pid) <= descriptors
                        && ProcessTable.zombies(of: rr.pid).isEmpty
                }
            } catch {
                let open = try ProcessTable.descriptors(of: rr.pid).sorted { $0.key < $1.key }.map {
                    "\($0.key) \($0.value)"
                }
                Issue.record(
                    """
                    workers \(rr.workers) of \(rr.settings.workers), processes \(rr.leftovers), zombies \
                    \(ProcessTable.zombies(of: rr.pid)), descriptors \(open.count) of \(descriptors): \(open)
                    """
                )
                throw error
            }
        }
    }
}
