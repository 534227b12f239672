import Foundation
import TestSupport
import Testing

extension Integration {
    /// `rr stop`, `rr reload` and `rr reset`: the right process, and none else.
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

        @Test("Without a server it says why, and exits with 1", arguments: ["stop", "reload", "reset"])
        func none(command: String) throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            func errors() throws -> String {
                let result = try Command.rr(command, "-w", directory.path)
                #expect(result.exit == .code(1))
                #expect(result.output == "")
                return result.errors
            }
            #expect(try errors().contains("No such file or directory; a server writes one when it is started with"))
            let named = try Command.rr(command, "-c", directory.file("x.yaml")).errors
            #expect(named.contains("cannot read \(directory.path)/.pid: "), "\(named)")
            for (text, says) in [
                ("0", "does not hold a process id"), ("-1", "does not hold a process id"),
                ("nonsense", "does not hold a process id"), ("4194304", "names process 4194304, which is not running"),
            ] {
                try directory.write(text, to: ".pid")
                #expect(try errors().contains(says))
            }
        }

        @Test("reload takes over a changed configuration, reset replaces the workers; both tell what they did")
        func reloadAndReset() async throws {
            try await self.serving { rr in
                var settings = rr.settings
                settings.workers = 2
                try rr.write(settings)
                let reload = try Command.rr("reload", "-c", rr.directory.file(".rr.yaml"))
                #expect(reload.exit == .code(0), "\(reload.errors)")
                #expect(reload.output.hasPrefix("[INFO] process \(rr.pid) was asked to reload its configuration"))
                try rr.log.await("the configuration was reloaded")
                try rr.awaitWorkers(2)
                // The reload has replaced them, too.
                try eventually("the first worker to be replaced") { try rr.events.count("START") >= 3 }
                try rr.awaitWorkers(2)
                let before = rr.workers
                let reset = try Command.rr("-s", "-w", rr.directory.path, "reset", "tcp")
                #expect(reset.exit == .code(0), "\(reset.errors)")
                #expect(reset.output == "" && reset.errors == "")
                try rr.awaitWorkers(2, without: before)
                #expect(try rr.client().ask("hello") == "hello")
            }
            #expect(try Command.rr("reset", "http").exit == .code(64))
        }

        static let hasPIDNamespaces =
            (try? Command.run(["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "/bin/true"]))?.exit == .code(0)

        @Test("Without a pid file process 1 is it, as in a container", .enabled(if: Self.hasPIDNamespaces))
        func processOne() async throws {
            var settings = try Settings(workers: 1)
            settings.launcher = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc"]
            try await withRR(settings) { rr in
                let server = try #require(ProcessTable.children(of: rr.pid).first)
                func inside(_ command: String, _ directory: String) throws -> Command.Result {
                    let binary = try Fixture.binary()
                    return try Command.run(
                        ["/usr/bin/nsenter", "-t", "\(server)", "-p", "-m", binary, command, "-w", directory])
                }
                let other = try inside("reload", "/tmp")
                #expect(other.exit == .code(1) && other.errors.contains("process 1 is an rr that serves in another"))
                #expect(
                    try inside("reload", rr.directory.path).output.hasPrefix("[INFO] process 1 was asked to reload"))
                for stale in ["4194304\n", "1 2\n", ""] {
                    try rr.directory.write(stale, to: ".pid")
                    #expect(try inside("reload", rr.directory.path).exit == .code(0), "an old file hides nobody")
                }
                try rr.log.await("the configuration was reloaded")
                #expect(try inside("reset", rr.directory.path).exit == .code(0))
                try rr.log.await("SIGUSR2")
                #expect(try rr.client().ask("hello") == "hello")
                // With process 1 all others of a container end, this command with them.
                #expect(try inside("stop", rr.directory.path).output.hasPrefix("[INFO] stopping process with PID: 1"))
                try rr.expectExit(.code(0))
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
