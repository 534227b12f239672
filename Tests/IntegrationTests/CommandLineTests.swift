import Foundation
import TestSupport
import Testing

extension Integration {
    /// README.md.
    @Suite struct CommandLine {
        @Test("check prints what is in effect, as YAML and as JSON")
        func check() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let settings = try Settings(workers: 7)
            let file = try directory.write(settings.yaml(events: "/tmp/events"), to: ".rr.yaml")

            let plain = try Command.rr("check", "-c", file)
            #expect(plain.exit == .code(0), "\(plain.errors)")
            #expect(plain.output.contains("num_workers: 7"))

            let result = try Command.rr("check", "-c", file, "--json", "-o", "tcp.pool.num_workers=3")
            #expect(result.exit == .code(0), "\(result.errors)")
            let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            let tcp = try #require(json?["tcp"] as? [String: Any])
            #expect((tcp["pool"] as? [String: Any])?["num_workers"] as? Int == 3)
            let server = (tcp["servers"] as? [String: Any])?["main"] as? [String: Any]
            #expect((server?["addr"] as? String)?.contains(settings.servers[0].endpoint.address) == true)

            // What it prints is a configuration that says the same again.
            let printed = try directory.write(plain.output, to: "printed.yaml")
            #expect(try Command.rr("check", "-c", printed).output == plain.output)
        }

        @Test("-o overrides the file, again and again")
        func override() async throws {
            let elsewhere = try Endpoint.free()
            var settings = try Settings(workers: 1)
            settings.arguments = ["-o", "tcp.pool.num_workers=3", "-o=tcp.servers.main.addr=\(elsewhere.address)"]
            try await withRR(settings) { rr in
                #expect(rr.workers.count == 3)
                let client = try Client(elsewhere)
                #expect(try client.ask("hello") == "hello")
                #expect(throws: SystemError.self) { try rr.client() }
            }
        }

        @Test("Workers start in the directory of the configuration, or in that of -w")
        func workDirectory() async throws {
            let elsewhere = try TemporaryDirectory()
            defer { elsewhere.remove() }
            for arguments in [[], ["-w", elsewhere.path]] {
                var settings = try Settings(workers: 1)
                settings.arguments = arguments
                try await withRR(settings) { rr in
                    let expected = arguments.last ?? rr.directory.path
                    let worker = try #require(rr.workers.first)
                    let directory = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(worker)/cwd")
                    #expect(directory == expected)
                }
            }
        }

        @Test("Without -c the first file of RR_CONFIG that exists is read")
        func searchedConfiguration() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let yaml = try Settings(workers: 7).yaml(events: "/tmp/events")
            let file = try directory.write(yaml, to: "mounted.yaml")
            let search = ["RR_CONFIG": "\(directory.file("missing.yaml")):\(file)"]
            let found = try Command.run([try Fixture.binary(), "check"], environment: search)
            #expect(found.exit == .code(0) && found.output.contains("num_workers: 7"), "\(found.errors)")
            #expect(found.errors.isEmpty)
            let missing = try Command.run([try Fixture.binary(), "check"], environment: ["RR_CONFIG": "missing.yaml"])
            #expect(missing.exit == .code(1) && missing.errors.contains("missing.yaml"))
        }

        @Test("A relative script is found from the work directory, and a command is split as a shell would")
        func relativeScript() async throws {
            let elsewhere = try TemporaryDirectory()
            defer { elsewhere.remove() }
            let folder = elsewhere.file("with space")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for name in ["worker.php", "wire.php"] {
                let source = "\(Fixture.directory)/\(name)"
                try FileManager.default.copyItem(atPath: source, toPath: "\(folder)/\(name)")
            }
            var settings = try Settings()
            settings.command = #"php "with space/worker.php""#
            settings.arguments = ["-w", elsewhere.path]
            try await withRR(settings) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
            }
        }

        @Test("-p writes the process id to .pid in the work directory, and removes it")
        func pidFile() async throws {
            var settings = try Settings()
            settings.arguments = ["-p"]
            try await withRR(settings) { rr in
                let text = try String(contentsOfFile: rr.directory.file(".pid"), encoding: .utf8)
                #expect(text.trimmingCharacters(in: .whitespacesAndNewlines) == "\(rr.pid)")
                try rr.stop()
                #expect(!FileManager.default.fileExists(atPath: rr.directory.file(".pid")))
            }
        }

        @Test("-s prints nothing but the log")
        func silent() async throws {
            var settings = try Settings(workers: 1)
            settings.arguments = ["-s"]
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            // Nothing tells that it is ready: asked until there is an answer.
            let answer = try awaitValue("an answer") { try? rr.client().ask("hello") }
            #expect(answer == "hello")
            try rr.stop()
            try rr.process.standardOutput.awaitEnd()
            #expect(rr.process.standardOutput.all == [])
        }

        @Test("Completion scripts are scripts", arguments: ["bash", "zsh", "fish"])
        func completion(shell: String) throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let result = try Command.rr("completion", shell)
            #expect(result.exit == .code(0))
            #expect(result.errors == "")
            #expect(result.output.contains("serve") && result.output.contains("explain"))
            // Other shells may not be there.
            let program = "/usr/bin/\(shell)"
            if FileManager.default.isExecutableFile(atPath: program) {
                let script = try directory.write(result.output, to: "completion")
                let parsed = try Command.run([program, "-n", script])
                #expect(parsed.exit == .code(0), "\(parsed.errors)")
            }
        }

        @Test("Help tells of every command, with examples and exit codes, on standard output")
        func help() throws {
            for arguments in [["--help"], ["-h"], ["help"], []] {
                let result = try Command.run([try Fixture.binary()] + arguments)
                #expect(result.exit == .code(0))
                #expect(result.errors == "")
                for word in ["serve", "check", "stop", "version", "completion", "Examples:", "Exit codes:"] {
                    #expect(result.output.contains(word), "\(word)")
                }
            }
            for command in ["serve", "check", "stop"] {
                let result = try Command.rr(command, "--help")
                #expect(result.exit == .code(0))
                #expect(result.output.contains("Exit codes:"))
            }
        }

        @Test(
            "Wrong usage is told on standard error, with exit code 64",
            arguments: [
                ["bogus"], ["serve", "--bogus"], ["check", "--json", "--explain"], ["completion"],
                ["completion", "tcsh"], ["stop", "-t", "0"], ["serve", "-o"],
            ]
        )
        func wrongUsage(arguments: [String]) throws {
            let result = try Command.run([try Fixture.binary()] + arguments)
            #expect(result.exit == .code(64))
            #expect(result.errors.contains("Error: "))
            #expect(result.output == "")
        }

        @Test("-v, --version and version tell the version")
        func version() throws {
            for argument in ["-v", "--version", "version"] {
                let result = try Command.rr(argument)
                #expect(result.exit == .code(0))
                #expect(result.output.hasPrefix("rr version "))
            }
        }

        @Test("A second rr with -p leaves the first one's pid file alone")
        func pidFileOfAnother() async throws {
            var settings = try Settings(workers: 1)
            settings.arguments = ["-p"]
            try await withRR(settings) { rr in
                let result = try Command.rr("serve", "-p", "-c", rr.directory.file(".rr.yaml"))
                #expect(result.exit == .code(1))
                #expect(result.errors.contains("\(rr.pid)"))
                let text = try String(contentsOfFile: rr.directory.file(".pid"), encoding: .utf8)
                #expect(text == "\(rr.pid)\n")
            }
        }
    }
}
