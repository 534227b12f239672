import Foundation
import TestSupport
import Testing

extension Integration {
    /// The cost of a script that dies at once, until it is fixed.
    @Suite struct CrashStormCost {
        @Test("Ten seconds of it: little processor time, no descriptor and no memory more, and service resumes")
        func cost() async throws {
            let directory = try TemporaryDirectory()
            let whole = "<?php require '\(Fixture.directory)/worker.php';"
            try directory.write(whole, to: "own.php")
            var settings = try Settings(workers: 8, pool: ["allocate_timeout: 500ms"])
            settings.command = "php own.php"
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            #expect(try rr.client().ask("hello") == "hello")
            try rr.events.await("CLOSE", count: 1)
            let descriptors = try ProcessTable.descriptorCount(of: rr.pid)

            try directory.write("<?php exit(1);", to: "own.php")
            rr.killWorkers()
            // The first failures bring caches and buffers of their own.
            try eventually("it to be told") { rr.log.count(of: "failed to spawn a worker") >= 16 }
            let memory = try ProcessTable.residentMemory(of: rr.pid)
            let time = try ProcessTable.processorTime(of: rr.pid)
            var most = 0
            try rr.always("it is alive", for: .seconds(10)) {
                most = max(most, try ProcessTable.descriptorCount(of: rr.pid))
                // Clients keep coming, and are not kept waiting for longer than they are promised.
                try rr.client().awaitEnd(within: .seconds(10))
                return !rr.process.hasExited
            }
            let used = try ProcessTable.processorTime(of: rr.pid) - time
            let growth = try ProcessTable.residentMemory(of: rr.pid) - memory
            print("crash storm, 10 s: \(used) of processor time, \(growth) bytes more, \(most) descriptors at the most")
            #expect(used < .milliseconds(1500))
            #expect(growth < 8 << 20)
            // A worker on its way has four at the most, and one client is here.
            #expect(most <= descriptors + 8 * 2)
            #expect(rr.log.all.count < 2000, "the log is flooded")

            try directory.write(whole, to: "own.php")
            let answer = try awaitValue("an answer", within: .seconds(15)) { try? rr.client().ask("mended") }
            #expect(answer == "mended")
            try rr.awaitWholePool(within: .seconds(15))
            try eventually("the descriptors of before") {
                try ProcessTable.descriptorCount(of: rr.pid) == descriptors
            }
            #expect(ProcessTable.zombies(of: rr.pid).isEmpty)
            try rr.stop()
        }
    }
}
