import Foundation
import TestSupport
import Testing

extension Integration {
    /// Workers that do by chance whatever a worker may do wrong: `Fixtures/fuzz.c`.
    @Suite struct FuzzRun {
        /// While it is there workers are honest.
        private static func calm(_ directory: TemporaryDirectory) -> Gate {
            Gate(path: directory.file("calm"))
        }

        private static func settings(_ directory: TemporaryDirectory, _ metrics: Endpoint) throws -> Settings {
            let worker = directory.file("fuzz")
            let source = "\(Fixture.directory)/fuzz.c"
            let compiler = try Command.run(
                ["/usr/bin/env", "cc", "-O1", "-I\(Fixture.root)/Benchmarks", "-o", worker, source])
            try #require(compiler.exit == .code(0), "\(compiler.errors)")
            var settings = try Settings(
                .init("main"),
                .init("split", "framing: split", "dispatch: connection", "sticky_wait: 20ms"),
                workers: 14,
                pool: [
                    "allocate_timeout: 5s", "destroy_timeout: 1s", "max_jobs: 300",
                    "supervisor: {watch_tick: 250ms, exec_ttl: 3s}",
                ],
                environment: [
                    "FUZZ_SEED": "\(TortureOrder.seed)", "FUZZ_ORDER": directory.file("order"),
                    "FUZZ_CALM": Self.calm(directory).path,
                ],
                more: "metrics: {address: \"\(metrics.address)\"}"
            )
            settings.environment["FUZZ_ONLY"] = TortureOrder.verbs
            settings.environment["FUZZ_AHEAD"] = Settings.pipelineDepth == "1" ? nil : "yes"
            settings.command = worker
            return settings
        }

        /// Whether there is no connection, and no event that is to be served yet.
        private static func isAtRest(_ metrics: Endpoint) throws -> Bool {
            let now = try Metrics.scrape(metrics)
            return now.sum("rr_tcp_connections") == 0 && now["rr_tcp_requests_waiting"] == 0
                && now["rr_tcp_workers_working"] == 0
        }

        private static func awaitCalm(_ rr: RRProcess, _ metrics: Endpoint) throws {
            do {
                try eventually("everything to settle", within: .seconds(60)) {
                    usleep(50_000)
                    return try Self.isAtRest(metrics) && rr.workers.count == rr.settings.workers
                        && rr.leftovers == rr.workers && ProcessTable.zombies(of: rr.pid).isEmpty
                }
            } catch {
                let now = try Metrics.scrape(metrics).values.filter { $0.value > 0 && $0.key.hasPrefix("rr_tcp_") }
                Issue.record(
                    """
                    workers \(rr.workers) of \(rr.settings.workers), processes \(rr.leftovers), zombies \
                    \(ProcessTable.zombies(of: rr.pid)), \(now)
                    """
                )
                throw error
            }
        }

        @Test("Fuzz: no byte of another client's, each event once, and each that is missing is told")
        func fuzz() async throws {
            let seed = TortureOrder.seed
            print("fuzz: TORTURE_SEED=\(seed) TORTURE_SECONDS=\(TortureOrder.fuzzSeconds)")
            let directory = try TemporaryDirectory()
            let metrics = try Endpoint.free()
            let calm = Self.calm(directory)
            try calm.open()
            try await withRR(Self.settings(directory, metrics), in: directory) { rr in
                // The server learns that these workers answer probes.
                #expect(try rr.client().ask("hello") == "hello")
                try eventually("a CLOSE without an answer to be over") {
                    try rr.events.count("CLOSE") == 1 && Self.isAtRest(metrics)
                }
                try calm.shut()
                let fuzz = Fuzz(rr)
                await fuzz.run(clients: 24, for: .seconds(TortureOrder.fuzzSeconds), seed: seed)
                print("fuzz: \(fuzz.tally.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" })")
                try calm.open()
                try Self.awaitCalm(rr, metrics)
                for number in 1...100 {
                    #expect(try rr.client().ask("well again \(number)") == "well again \(number)")
                }
                #expect(fuzz.tally["right answers"] ?? 0 > 10 * TortureOrder.fuzzSeconds)
                try eventually("the last CLOSE") { try Self.isAtRest(metrics) }
                let last = try Metrics.scrape(metrics)
                try rr.stop()
                FuzzLedger(try rr.events.all, rr.log).check(against: last)
            }
        }
    }
}
