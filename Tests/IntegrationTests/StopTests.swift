import Foundation
import Testing

extension Integration {
    /// `rr stop`: the right process, and none else.
    @Suite struct Stop {
        private func serving(_ body: (RRProcess) async throws -> Void) async throws {
            var settings = try Settings(workers: 1)
            settings.arguments = ["-p"]
            try await withRR(settings, body)
        }

        @Test("It stops the server of the directory and comes back when that has ended", arguments: ["-w", "-c", ""])
        func stop(option: String) async throws {
            try await self.serving { rr in
                let arguments =
                    switch option {
                    case "-w": ["-w", rr.directory.path]
                    case "-c": ["-c", rr.directory.file(".rr.yaml")]
                    default: [String]()
                    }
                let directory = option.isEmpty ? rr.directory.path : "/tmp"
                let result = try Command.run([try Fixture.binary(), "stop"] + arguments, directory: directory)
                #expect(result.exit == .code(0), "\(result.errors)")
                #expect(result.output.hasPrefix("[INFO] stopping process with PID: \(rr.pid)\n"))
                #expect(result.errors == "")
                #expect(rr.workers == [], "it has waited")
                try rr.expectExit(.code(0))
            }
        }

        @Test("-s prints nothing")
        func silent() async throws {
            try await self.serving { rr in
                let result = try Command.rr("stop", "-s", "-w", rr.directory.path)
                #expect(result.exit == .code(0))
                #expect(result.output == "" && result.errors == "")
                try rr.expectExit(.code(0))
            }
        }

        @Test("It waits for a request in flight as long as it may, and -f does not")
        func force() async throws {
            try await self.serving { rr in
                let gate = rr.gate()
                let client = try rr.client()
                try client.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                let patient = try Command.rr("stop", "-w", rr.directory.path, "-t", "1")
                #expect(patient.exit == .code(1))
                #expect(patient.errors.contains("process \(rr.pid) has not ended within 1.0 seconds"))
                #expect(!rr.process.hasExited)
                let forced = try Command.rr("stop", "-f", "-w", rr.directory.path)
                #expect(forced.exit == .code(0), "\(forced.errors)")
                #expect(try rr.process.awaitExit() == .code(1))
                try eventually("its workers to end") { rr.leftovers.isEmpty }
            }
        }

        @Test("Without a server it says why, and exits with 1")
        func none() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            func errors() throws -> String {
                let result = try Command.rr("stop", "-w", directory.path)
                #expect(result.exit == .code(1))
                #expect(result.output == "")
                return result.errors
            }
            #expect(try errors().contains("No such file or directory; a server writes one when it is started with"))
            for (text, says) in [
                ("0", "does not hold a process id"), ("-1", "does not hold a process id"),
                ("nonsense", "does not hold a process id"), ("4194304", "names process 4194304, which is not running"),
            ] {
                try directory.write(text, to: ".pid")
                #expect(try errors().contains(says))
            }
        }

        @Test("A process that is no rr, or one of another directory, is left alone")
        func another() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let sleeper = try ChildProcess(["/bin/sleep", "1000"], environment: [:], directory: directory.path)
            defer { sleeper.send(signal: SIGKILL) }
            try await self.serving { rr in
                for pid in [sleeper.pid, rr.pid] {
                    try directory.write("\(pid)\n", to: ".pid")
                    let result = try Command.rr("stop", "-f", "-w", directory.path)
                    #expect(result.exit == .code(1))
                    #expect(result.errors.contains("names process \(pid), which is no rr that serves there"))
                }
                #expect(!sleeper.hasExited)
                #expect(try rr.client().ask("hello") == "hello")
            }
        }
    }
}
