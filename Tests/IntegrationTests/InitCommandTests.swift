import Foundation
import TestSupport
import Testing

extension Integration {
    /// `server.on_init`: docs/configuration.md.
    @Suite struct InitCommand {
        private static func start(_ script: String, _ more: String...) throws -> RRProcess {
            let directory = try TemporaryDirectory()
            try directory.write(script, to: "init.sh")
            var settings = try Settings()
            settings.server = ["on_init:", "  command: sh init.sh"] + more.map { "  \($0)" }
            return try RRProcess(settings, directory: directory)
        }

        @Test("It runs to its end before the workers, with its environment, and what it prints is logged line by line")
        func run() async throws {
            let script = """
                echo "the first line for $WHOM"
                echo "an error line" >&2
                test -e events && echo "workers are there already"
                printf 'a line without an end'
                echo "$$ $(pwd)" > ran
                """
            let rr = try Self.start(script, "env: {WHOM: everybody}")
            defer { rr.destroy() }
            try rr.awaitReady()
            #expect(rr.log.contains("the first line for everybody"))
            #expect(rr.log.contains("an error line"))
            #expect(rr.log.contains("a line without an end"))
            #expect(!rr.log.contains("workers are there already"))
            let ran = try String(contentsOfFile: rr.directory.file("ran"), encoding: .utf8)
            #expect(ran.hasSuffix(" \(rr.directory.path)\n"), "\(ran)")
            #expect(try rr.client().ask("hello") == "hello")
            try rr.stop()
        }

        @Test("When it fails the start fails if exit_on_error says so, and else goes on", arguments: [true, false])
        func failure(exitOnError: Bool) async throws {
            let rr = try Self.start("echo out of order; exit 3", "exit_on_error: \(exitOnError)")
            defer { rr.destroy() }
            if exitOnError {
                try rr.expectExit(.code(1))
                try rr.log.awaitEnd()
                #expect(rr.log.all.last?.contains("3") == true, "\(rr.log.text)")
                #expect(try rr.events.count("START") == 0)
            } else {
                try rr.awaitReady()
                try rr.log.await("on_init", "exit code 3")
                #expect(try rr.client().ask("hello") == "hello")
                try rr.stop()
            }
            #expect(rr.log.contains("out of order"))
        }

        @Test("exec_timeout ends it with all it has started", arguments: [true, false])
        func timeout(exitOnError: Bool) async throws {
            let script = "sleep 3600 & echo it takes long; sleep 3600"
            let rr = try Self.start(script, "exec_timeout: 1s", "exit_on_error: \(exitOnError)")
            defer { rr.destroy() }
            if exitOnError {
                try rr.expectExit(.code(1))
                try rr.log.awaitEnd()
            } else {
                try rr.awaitReady()
                try eventually("the rest of it to be gone") { rr.leftovers == rr.workers && rr.workers.count == 2 }
                #expect(try rr.client().ask("hello") == "hello")
                try rr.stop()
            }
            #expect(rr.log.contains("it takes long"))
            #expect(rr.log.contains("exec_timeout"))
        }

        @Test("A command that is not there is named")
        func missing() async throws {
            var settings = try Settings()
            settings.server = ["on_init: {command: /no/such/command, exit_on_error: true}"]
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            try rr.expectExit(.code(1))
            try rr.log.awaitEnd()
            #expect(rr.log.all.last?.contains("/no/such/command") == true, "\(rr.log.text)")
        }

        @Test("A signal while it runs ends it, and the start")
        func signal() async throws {
            let rr = try Self.start("sleep 3600 & echo it takes long; sleep 3600")
            defer { rr.destroy() }
            try rr.log.await("it takes long")
            rr.process.send(signal: SIGTERM)
            _ = try rr.process.awaitExit()
            try eventually("all of it to be gone") { rr.leftovers.isEmpty }
            #expect(try rr.events.count("START") == 0)
        }

        @Test("It runs as its user", .enabled(if: getuid() == 0, "only root may"))
        func user() async throws {
            let directory = try TemporaryDirectory()
            try check(chmod(directory.path, 0o755), "chmod")
            try directory.write("echo I am $(id -un)", to: "init.sh")
            var settings = try Settings()
            settings.server = ["on_init: {command: sh init.sh, user: nobody, exit_on_error: true}"]
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try rr.awaitReady()
            #expect(rr.log.contains("I am nobody"))
            try rr.stop()
        }
    }
}
