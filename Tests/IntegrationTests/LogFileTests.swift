import Foundation
import TestSupport
import Testing

extension Integration {
    /// Log files rotated by the service or by other tools, and outputs that take no bytes.
    @Suite struct LogFiles {
        @Test("After SIGUSR1 entries go to the file that has the name then, as logrotate has it")
        func reopening() async throws {
            try await withRR(Settings(workers: 1, more: "logs: {output: app.log, level: info}")) { rr in
                let path = rr.directory.file("app.log")
                #expect(rename(path, path + ".1") == 0)
                rr.process.send(signal: SIGUSR1)
                try eventually("a new file") { FileManager.default.fileExists(atPath: path) }
                rr.process.send(signal: SIGHUP)
                try eventually("the reload") { try rr.directory.read("app.log").contains("reloaded") }
                #expect(try rr.client().ask("hello") == "hello", "the signal disturbs nobody")
                let old = try rr.directory.read("app.log.1")
                #expect(old.contains("listening"))
                #expect(!old.contains("SIGHUP") && !old.contains("reloaded"))
            }
        }

        @Test("A file that is full is put aside, and old ones go")
        func rotation() async throws {
            let options = "{log_output: log/app.log, max_size: 1, max_backups: 2}"
            try await withRR(Settings(workers: 1, more: "logs: {file_logger_options: \(options)}")) { rr in
                let folder = rr.directory.file("log")
                func backups() throws -> [String] {
                    try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != "app.log" }.sorted()
                }
                let client = try rr.client()
                var seen: Set<String> = []
                // Less than the queue holds each time; more than five files all together.
                while seen.count < 5 {
                    #expect(try client.ask("flood 300000") == "flooded")
                    seen.formUnion(try backups())
                }
                try rr.stop()
                let left = try backups()
                #expect(left.count == 2)
                #expect(left == Array(seen.union(left).sorted().suffix(2)), "the newest stay")
                for name in left + ["app.log"] {
                    let text = try rr.directory.read("log/\(name)")
                    #expect(text.utf8.count <= 1 << 20)
                    #expect(text.utf8.count > (1 << 20) - 20_000 || name == "app.log")
                    #expect(text.hasSuffix("}\n"), "no line is in two files")
                    #expect(text.hasPrefix(#"{"time":"#))
                }
            }
        }

        @Test("A stuck standard error holds up no client, and how much was dropped is told when it works again")
        func stuck() async throws {
            let directory = try TemporaryDirectory()
            let pipe = try StuckPipe(directory.file("pipe"))
            try await withRR(pipe.settings, in: directory) { rr in
                let client = try rr.client()
                // More than the pipe and the queue take.
                for _ in 0..<3 {
                    #expect(try client.ask("flood 8000000") == "flooded")
                }
                for number in 0..<500 {
                    #expect(try client.ask("request \(number)") == "request \(number)")
                }
                let log = LineLog(reading: pipe.release())
                let line = try log.await("log entries were dropped")
                let count = try #require(line.range(of: #"(?<="dropped":")\d+"#, options: .regularExpression))
                #expect(Int(line[count]).map { $0 > 100 } == true)
                rr.process.send(signal: SIGHUP)
                try log.await("the configuration was reloaded")
            }
        }

        @Test("A stuck standard error does not hold up the end", arguments: [SIGTERM, SIGINT])
        func stuckAtTheEnd(signal: Int32) async throws {
            let directory = try TemporaryDirectory()
            let pipe = try StuckPipe(directory.file("pipe"))
            defer { close(pipe.release()) }
            try await withRR(pipe.settings, in: directory) { rr in
                let client = try rr.client()
                for _ in 0..<3 {
                    #expect(try client.ask("flood 8000000") == "flooded")
                }
                rr.process.send(signal: signal)
                try rr.expectExit(.code(0))
            }
        }

        @Test("A stuck standard error does not hold up a forced end")
        func stuckAtTheForcedEnd() async throws {
            let directory = try TemporaryDirectory()
            let pipe = try StuckPipe(directory.file("pipe"))
            defer { close(pipe.release()) }
            try await withRR(pipe.settings, in: directory) { rr in
                let gate = rr.gate()
                let client = try rr.client()
                for _ in 0..<3 {
                    #expect(try client.ask("flood 8000000") == "flooded")
                }
                try client.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 4, of: client)
                rr.process.send(signal: SIGTERM)
                try eventually("the listener to close") { (try? rr.client()) == nil }
                rr.process.send(signal: SIGTERM)
                #expect(try rr.process.awaitExit(within: .seconds(10)) == .code(1))
            }
        }
    }
}
