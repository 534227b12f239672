import Foundation
import TestSupport
import Testing

extension Integration {
    /// SIGUSR2: every worker is replaced while clients are served.
    @Suite struct Reset {
        @Test("Under traffic: not one request fails, and every worker is another one")
        func underTraffic() async throws {
            try await withRR(Settings(workers: 4)) { rr in
                try await withTraffic(rr, clients: 8) {
                    for _ in 1...5 {
                        let before = rr.workers
                        rr.process.send(signal: SIGUSR2)
                        try rr.awaitWholePool(without: before)
                    }
                }
                try rr.awaitWholePool()
                // A worker that was told to stop has ended by itself.
                try eventually("those that were replaced to be gone") { rr.leftovers == rr.workers }
                try rr.stop()
                let events = try rr.events.all
                let started = events.filter { $0.event == "START" }.map(\.pid)
                let stopped = events.filter { $0.event == "STOP" }.map(\.pid)
                #expect(started.count >= 6 * 4)
                #expect(Set(started) == Set(stopped), "asked, not killed")
                let connections = Dictionary(grouping: events.filter { $0.uuid != nil }, by: \.uuid)
                #expect(connections.values.allSatisfy { $0.first?.event == "CONNECTED" && $0.last?.event == "CLOSE" })
                #expect(connections.values.allSatisfy { $0.count == 22 })
            }
        }

        @Test("A quarter of the pool at a time, and no worker is told to stop before its successor is ready")
        func quarter() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let gate = Gate(path: directory.file("gate"))
            try gate.open()
            try await withRR(Settings(workers: 8, environment: ["WORKER_START": gate.order])) { rr in
                let old = rr.workers
                try gate.shut()
                rr.process.send(signal: SIGUSR2)
                try rr.awaitWorkers(10)
                try await withTraffic(rr, clients: 2) {
                    try rr.always("two are on their way, and the others go on", for: .seconds(1)) {
                        try rr.workers.count == 10 && rr.workers.isSuperset(of: old) && rr.events.count("STOP") == 0
                    }
                }
                // A second reset during the first replaces no worker twice.
                rr.process.send(signal: SIGUSR2)
                try gate.open()
                try rr.awaitWorkers(8, without: old)
                #expect(try old.isSubset(of: rr.events.all.filter { $0.event == "STOP" }.map(\.pid)))
            }
        }

        @Test("A busy worker is let finish, however long it takes")
        func busyWorker() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                let busy = try #require(try rr.events.of(client).last).pid
                let old = rr.workers
                rr.process.send(signal: SIGUSR2)
                try eventually("all others to be replaced") { rr.workers.intersection(old) == [busy] }
                try rr.awaitWorkers(3)
                #expect(try rr.client().ask("somebody else") == "somebody else")
                #expect(client.isQuiet)
                try gate.open()
                #expect(try client.readLine() == "released")
                try rr.awaitWholePool(without: old)
                #expect(!old.contains(try client.inspect().pid))
            }
        }

        @Test("reset_timeout: a worker that does not finish its event is killed, and nobody else")
        func resetTimeout() async throws {
            try await withRR(Settings(workers: 2, pool: ["reset_timeout: 500ms"])) { rr in
                let client = try rr.client()
                try client.send("hang\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                let busy = try #require(try rr.events.of(client).last).pid
                let old = rr.workers
                rr.process.send(signal: SIGUSR2)
                try client.awaitEnd()
                try rr.log.await("reset_timeout is over", "worker.pid=\(busy)")
                try rr.awaitWholePool(without: old)
                #expect(try rr.client().ask("next") == "next")
                let stopped = try rr.events.all.filter { $0.event == "STOP" }.map(\.pid)
                #expect(Set(stopped).intersection(old) == old.subtracting([busy]))
                #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "DATA", "CLOSE"])
            }
        }

        @Test("A new script takes over; one that is broken leaves the old workers serving, and the log says so")
        func brokenScript() async throws {
            let directory = try TemporaryDirectory()
            let include = "require '\(Fixture.directory)/worker.php';"
            func script(_ answer: String) -> String { "<?php putenv('WORKER_DATA=write \(answer)'); \(include)" }
            try directory.write(script("old"), to: "own.php")
            var settings = try Settings(workers: 3)
            settings.command = "php own.php"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            let old = rr.workers
            let client = try rr.client()
            #expect(try client.ask("which?") == "old")

            for broken in ["<?php exit(1);", "<?php echo 'PHP Parse error';", "<?php this is none"] {
                let told = rr.log.count(of: "the worker goes on")
                let givenUp = rr.log.count(of: "not replaced any more")
                try directory.write(broken, to: "own.php")
                rr.process.send(signal: SIGUSR2)
                try eventually("it to be in the log") { rr.log.count(of: "the worker goes on") > told }
                try eventually("it to be given up") { rr.log.count(of: "not replaced any more") > givenUp }
                try rr.always("the old ones go on", for: .seconds(1)) {
                    try client.ask("which?") == "old" && rr.workers.isSuperset(of: old)
                }
            }
            try rr.awaitWholePool()
            #expect(rr.workers == old)

            try directory.write(script("new"), to: "own.php")
            rr.process.send(signal: SIGUSR2)
            try rr.awaitWholePool(without: old)
            #expect(try client.ask("which?") == "new")
            try rr.stop()
        }

        @Test("One successor that fails by accident: every worker is replaced all the same")
        func oneFailure() async throws {
            let directory = try TemporaryDirectory()
            let accident = directory.file("accident")
            try directory.write(
                "<?php if (@unlink('\(accident)')) { exit(3); } require '\(Fixture.directory)/worker.php';",
                to: "own.php"
            )
            var settings = try Settings(workers: 8)
            settings.command = "php own.php"
            try await withRR(settings, in: directory) { rr in
                let old = rr.workers
                try directory.write("", to: "accident")
                rr.process.send(signal: SIGUSR2)
                try rr.log.await("the worker goes on")
                try rr.awaitWholePool(without: old)
                #expect(rr.log.count(of: "the worker goes on") == 1)
            }
        }

        @Test("Signals in a row, workers that die meanwhile: the pool ends up whole and new")
        func again() async throws {
            try await withRR(Settings(workers: 4)) { rr in
                let old = rr.workers
                for _ in 1...10 {
                    rr.process.send(signal: SIGUSR2)
                    rr.workers.randomElement().map { _ = kill($0, SIGKILL) }
                    usleep(20_000)
                }
                try rr.awaitWholePool(without: old)
                #expect(try rr.client().ask("hello") == "hello")
            }
        }

        @Test("A signal to stop ends a reset that is on its way")
        func stopDuringReset() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let gate = Gate(path: directory.file("gate"))
            try gate.open()
            try await withRR(Settings(workers: 4, environment: ["WORKER_START": gate.order])) { rr in
                try gate.shut()
                rr.process.send(signal: SIGUSR2)
                try rr.awaitWorkers(5)
                try rr.stop()
            }
        }
    }
}
