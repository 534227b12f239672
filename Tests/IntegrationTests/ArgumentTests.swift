import Foundation
import TestSupport
import Testing

extension Integration {
    /// RoadRunner's ways to write options, and what the machine gives.
    @Suite struct Arguments {
        @Test("Options stand before the command or behind it, apart or together with their values")
        func forms() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let file = try directory.write(Settings(workers: 7).yaml(events: "/tmp/events"), to: ".rr.yaml")
            let override = "tcp.pool.num_workers=3"
            let expected = try Command.rr("check", "--config=\(file)", "--override=\(override)")
            #expect(expected.exit == .code(0), "\(expected.errors)")
            #expect(expected.output.contains("num_workers: 3"))
            for arguments in [
                ["-c", file, "-o", override, "check"], ["-c\(file)", "check", "-o\(override)"],
                ["-c=\(file)", "-o=\(override)", "check"], ["--config", file, "check", "--override", override],
                ["-w", directory.path, "-o", override, "check"], ["-c", file, "-pdes", "check", "-o", override],
                ["-do\(override)", "check", "-c", file],
            ] {
                let result = try Command.run([try Fixture.binary()] + arguments)
                #expect(result.exit == .code(0) && result.errors == "", "\(arguments): \(result.errors)")
                #expect(result.output == expected.output)
            }
            let dashed = try Command.rr("-c", "-x.yaml", "check")
            #expect(dashed.exit == .code(1) && dashed.errors.contains("-x.yaml"), "a value may begin with a dash")
            #expect(try Command.rr("-c", file, "-s", "version").output.hasPrefix("rr version "))
        }

        @Test("serve takes them before it as well, and -d and -e without a word")
        func serve() async throws {
            let elsewhere = try TemporaryDirectory()
            defer { elsewhere.remove() }
            var settings = try Settings(workers: 1)
            settings.leadingArguments = ["-de", "-w", elsewhere.path, "-otcp.pool.num_workers=3", "-p"]
            try await withRR(settings) { rr in
                #expect(rr.workers.count == 3)
                let text = try String(contentsOfFile: elsewhere.file(".pid"), encoding: .utf8)
                #expect(text == "\(rr.pid)\n")
                #expect(try rr.client().ask("hello") == "hello")
            }
        }

        @Test("Workers and event loops are as many as there are CPUs to run on; check --explain says which")
        func affinity() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let settings = try Settings(workers: 0)
            let file = try directory.write(settings.yaml(events: "/tmp/events"), to: ".rr.yaml")
            let arguments = ["/usr/bin/taskset", "-c", "0", try Fixture.binary(), "check", "--explain", "-c", file]
            let result = try Command.run(arguments)
            #expect(result.exit == .code(0), "\(result.errors)")
            let isMasked = ProcessInfo.processInfo.processorCount > 1
            let reason = isMasked ? "one for each CPU of the affinity mask" : "one for each CPU"
            for line in ["tcp.pool.num_workers = 1", "RR_EVENT_LOOPS = 1"] {
                let found = result.output.split(separator: "\n").first { $0.hasPrefix(line) }
                #expect(found?.hasSuffix(reason) == true, "\(result.output)")
            }
        }

        @Test("An option with an empty value is as if it were not given")
        func empty() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let file = try directory.write(Settings().yaml(events: "/tmp/events"), to: ".rr.yaml")
            let expected = try Command.rr("check", "-c", file)
            #expect(expected.exit == .code(0), "\(expected.errors)")
            for arguments in [
                ["-w", "", "check", "-c", file, "--dotenv", ""], ["check", "-c", file, "-w=", "--dotenv="],
            ] {
                let result = try Command.run([try Fixture.binary()] + arguments)
                #expect(result.exit == .code(0) && result.errors == "", "\(arguments): \(result.errors)")
                #expect(result.output == expected.output)
            }
            let here = try Command.run([try Fixture.binary(), "check", "-c", ""], directory: directory.path)
            #expect(here.output == expected.output, "\(here.errors)")
            let override = try Command.rr("check", "-c", file, "-o", "")
            #expect(override.errors.hasPrefix("[ERROR] -o: invalid flag ``"), "\(override.errors)")
        }

        @Test("RR_EVENT_LOOPS that is no number of loops is one clear error", arguments: ["abc", "0", "-3", "257"])
        func eventLoops(text: String) throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let file = try directory.write(Settings().yaml(events: "/tmp/events"), to: ".rr.yaml")
            for command in ["serve", "check"] {
                let result = try Command.run(
                    [try Fixture.binary(), command, "-c", file], environment: ["RR_EVENT_LOOPS": text])
                #expect(result.exit == .code(1))
                #expect(result.output == "")
                #expect(result.errors.hasPrefix("[ERROR] env RR_EVENT_LOOPS: "), "\(result.errors)")
                #expect(result.errors.contains(text) && result.errors.contains("use 1...256"))
                #expect(result.errors.split(separator: "\n").count == 1)
            }
        }
    }
}
