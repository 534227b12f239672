import Foundation
import TestSupport
import Testing

extension Integration {
    /// A script that is broken while `rr` runs: it stays alive, waits longer and longer, and recovers.
    @Suite struct CrashStorm {
        private static let broken = [
            "before the handshake": "<?php file_put_contents('starts', 'x', FILE_APPEND); exit(1);",
            "after the handshake": """
            <?php
            file_put_contents('starts', 'x', FILE_APPEND);
            require 'wire.php';
            receive();
            send(FLAG_CONTROL, [], json_encode(['pid' => getmypid()]));
            exit(1);
            """,
            "with text on stdout": "<?php file_put_contents('starts', 'x', FILE_APPEND); echo 'PHP Fatal error';",
        ]

        @Test("Workers that die at once", arguments: Self.broken.keys.sorted())
        func storm(dying: String) async throws {
            let directory = try TemporaryDirectory()
            let worker = try String(contentsOfFile: "\(Fixture.directory)/worker.php", encoding: .utf8)
            let wire = try String(contentsOfFile: "\(Fixture.directory)/wire.php", encoding: .utf8)
            try directory.write(worker, to: "worker.php")
            try directory.write(wire, to: "wire.php")
            var settings = try Settings(workers: 3, pool: ["allocate_timeout: 1s"])
            settings.command = "php worker.php"

            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            #expect(try rr.client().ask("hello") == "hello")
            try directory.write(Self.broken[dying] ?? "", to: "worker.php")
            rr.killWorkers()

            try eventually("new workers to be tried") { self.size(of: directory.file("starts")) >= 3 }
            let starts = self.size(of: directory.file("starts"))
            let time = try ProcessTable.processorTime(of: rr.pid)
            usleep(3_000_000)
            // From 100 ms on, doubled each time: no more than six a worker in three seconds.
            #expect(self.size(of: directory.file("starts")) - starts <= 18, "it spins")
            #expect(try ProcessTable.processorTime(of: rr.pid) - time < .milliseconds(600), "it spins")
            #expect(!rr.process.hasExited)
            let refused = try rr.client()
            try refused.awaitEnd()
            #expect(!rr.process.hasExited)

            try directory.write(worker, to: "worker.php")
            // The longest wait is 5 s.
            let answer = try awaitValue("an answer", within: .seconds(15)) { try? rr.client().ask("mended") }
            #expect(answer == "mended")
            try rr.awaitWholePool(within: .seconds(15))
            try rr.stop()
        }

        private func size(of file: String) -> Int {
            (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0
        }
    }
}
