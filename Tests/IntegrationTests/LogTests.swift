import Foundation
import TestSupport
import Testing

extension Integration {
    /// `logs`: how entries look and where they go.
    @Suite struct Logs {
        private static let time = #"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"#

        struct Form: CustomTestStringConvertible {
            var logs: String
            /// The entry `listening`, as a regular expression; none when there is no entry at all.
            var listening: String?

            var testDescription: String { self.logs }
        }

        @Test(
            "Each mode and encoding has its form",
            arguments: [
                Form(logs: "", listening: time + #"\tINFO\ttcp\tlistening\taddress=\S+ server=main$"#),
                Form(logs: "{mode: development}", listening: time + #"\tINFO\ttcp\tlistening\t"#),
                Form(
                    logs: "{mode: production}", listening: #"^\{"time":"[-0-9]+T[0-9:.]+Z","level":"info","msg":"lis"#),
                Form(logs: "{mode: production, encoding: console}", listening: time + #"\tINFO\ttcp\tlistening\t"#),
                Form(logs: "{encoding: json}", listening: #"^\{"time":".*","msg":"listening","logger":"tcp","addr"#),
                Form(logs: "{mode: raw}", listening: "^listening$"),
                Form(logs: "{mode: development, channels: {tcp: {mode: raw}}}", listening: "^listening$"),
                Form(logs: "{line_ending: \"|\\n\"}", listening: #"server=main\|$"#),
                Form(logs: "{mode: off}", listening: nil),
                Form(logs: "{mode: none}", listening: nil),
            ]
        )
        func form(test: Form) async throws {
            let settings = try Settings(workers: 1, more: test.logs.isEmpty ? "" : "logs: \(test.logs)")
            try await withRR(settings) { rr in
                #expect(try rr.client().ask("hello") == "hello")
                try rr.stop()
                try rr.log.awaitEnd()
                guard let listening = test.listening else {
                    #expect(rr.log.all == [])
                    return
                }
                let found = rr.log.all.contains { $0.range(of: listening, options: .regularExpression) != nil }
                #expect(found, "\(rr.log.text)")
            }
        }

        @Test("In production every line is JSON with a time, and what a worker prints is an entry a line with its pid")
        func production() async throws {
            try await withRR(Settings(workers: 1, more: "logs: {mode: production}")) { rr in
                let worker = try #require(rr.workers.first)
                _ = try rr.client().ask("flood 3000")
                try rr.log.await("flood ends")
                try rr.stop()
                try rr.log.awaitEnd()
                let entries = try self.entries(of: rr.log)
                #expect(entries.allSatisfy { $0["time"] != nil && $0["level"] != nil && $0["logger"] != nil })
                let printed = entries.filter { $0["msg"]?.hasPrefix("flood line ") == true }
                #expect(printed.count > 10)
                #expect(printed.allSatisfy { $0["worker.pid"] == "\(worker)" && $0["logger"] == "server" })
                // What is no entry of the log is JSON as well.
                try rr.process.standardOutput.awaitEnd()
                let banners = try self.entries(of: rr.process.standardOutput)
                #expect(banners.map { $0["logger"] } == ["rr"] && banners.map { $0["level"] } == ["info"])
                #expect(banners.first?["msg"]?.hasPrefix("RoadRunner server started; version: ") == true)
            }
        }

        private func entries(of log: LineLog) throws -> [[String: String]] {
            try log.all.map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String], "\(line)")
            }
        }

        @Test(
            "A start that fails tells so in JSON, too",
            arguments: [
                "{mode: production}", "{encoding: json}", "{channels: {rr: {encoding: json}, server: {mode: off}}}",
            ]
        )
        func failedStart(logs: String) async throws {
            var settings = try Settings(more: "logs: \(logs)")
            settings.ownEnvironment = ["WORKER_START": "print two\nlines"]
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            try rr.expectExit(.code(1))
            try rr.log.awaitEnd()
            let last = try #require(try self.entries(of: rr.log).last)
            #expect(last["level"] == "error" && last["time"] != nil)
            #expect(last["msg"]?.contains("invalid message: two\nlines") == true, "\(rr.log.text)")
            #expect(rr.process.standardOutput.all == [])
        }

        @Test("A line end that a worker printed is escaped once, in the log and in what is said of a failed start")
        func escapedOnce() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                _ = try? rr.client().ask("garbage two\nlines")
                try rr.log.await("invalid message: ", #"two\nlines"#)
                #expect(!rr.log.contains(#"two\\nlines"#))
            }
            var settings = try Settings()
            settings.ownEnvironment = ["WORKER_START": "print two\nlines"]
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            try rr.expectExit(.code(1))
            try rr.log.awaitEnd()
            #expect(rr.log.all.last?.hasPrefix("[ERROR] ") == true)
            #expect(rr.log.all.last?.contains(#"invalid message: two\nlines\n"#) == true, "\(rr.log.text)")
        }

        @Test("A line that concerns a worker names it and its process")
        func workers() async throws {
            let pool = ["max_jobs: 3", "supervisor: {watch_tick: 100ms, exec_ttl: 500ms, ttl: 1s}"]
            try await withRR(Settings(workers: 2, pool: pool, more: "logs: {mode: production}")) { rr in
                for order in ["print oops", "hang", "exit 3", "error no", "garbage x", "stop"] {
                    try rr.client().send("\(order)\r\n")
                }
                try rr.log.await("exec_ttl is over")
                try rr.log.await("to be replaced")
                try rr.log.await("asked to be replaced")
                try rr.stop()
                try rr.log.awaitEnd()
                let entries = try rr.log.all.map { line in
                    try #require(
                        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String], "\(line)")
                }
                let named = entries.filter { $0["worker.id"] != nil || $0["worker.pid"] != nil }
                #expect(named.count > 6)
                #expect(named.allSatisfy { $0["worker.id"] != nil && $0["worker.pid"] != nil }, "\(named)")
            }
        }

        @Test(
            "A packet is logged for who asks for debug in its channel only",
            arguments: ["channels: {tcp: {level: debug}}", "channels: {tcp: {level: info}}", "level: debug"]
        )
        func packets(level: String) async throws {
            try await withRR(Settings(workers: 1, more: "logs: {mode: production, \(level)}")) { rr in
                #expect(try rr.client().ask("hello") == "hello")
                try rr.stop()
                try rr.log.awaitEnd()
                let lines = rr.log.all.filter { $0.contains(#""event":"DATA""#) }
                #expect(lines.count == (level.contains("tcp: {level: debug}") ? 1 : 0))
                #expect(lines.allSatisfy { $0.contains(#""bytes":"7""#) && $0.contains(#""remote_addr":"127.0.0.1:"#) })
            }
        }

        @Test(
            "Colours are for terminals, and not for those who do not want them",
            arguments: [([:], true), (["NO_COLOR": "1"], false), (["TERM": "dumb"], false)]
        )
        func colours(environment: [String: String], areWanted: Bool) async throws {
            let terminal = try Terminal()
            var settings = try Settings(workers: 1, more: "logs: {output: [\(terminal.path), stderr]}")
            settings.ownEnvironment = ["TERM": "xterm", "NO_COLOR": ""].merging(environment) { $1 }
            try await withRR(settings) { rr in
                let line = try terminal.log.await("listening")
                let coloured = "Z\t\u{1B}[96mINFO\u{1B}[0m\t\u{1B}[92mtcp\u{1B}[0m\tlistening\t"
                #expect(line.contains(areWanted ? coloured : "Z\tINFO\ttcp\tlistening\t"))
                #expect(try rr.log.await("listening").contains("Z\tINFO\ttcp\tlistening\t"), "a pipe has no colours")
            }
        }

        @Test("Entries go to all outputs; a file's path counts from the work directory")
        func outputs() async throws {
            let logs = "logs: {output: [stdout, a.log], channels: {tcp: {output: tcp.log}}}"
            try await withRR(Settings(workers: 1, more: logs)) { rr in
                #expect(try rr.client().ask("flood 10") == "flooded")
                try rr.process.standardOutput.await("flood line 000000")
                rr.process.send(signal: SIGHUP)
                try rr.process.standardOutput.await("the configuration was reloaded")
                try rr.stop()
                try rr.log.awaitEnd()
                #expect(rr.log.all == [], "nothing is left for standard error")
                let file = try rr.directory.read("a.log")
                #expect(file.contains("the configuration was reloaded"))
                #expect(!file.contains("listening"))
                #expect(try rr.directory.read("tcp.log").contains("\ttcp\tlistening\t"))
            }
        }

        @Test(
            "A file that cannot be opened is named with its key, and nothing is started",
            arguments: [
                ("{output: [stdout, no/such/a.log]}", "logs.output: cannot open ", "/no/such/a.log: No such file"),
                ("{err_output: /}", "logs.err_output: cannot open /: ", "directory"),
                ("{channels: {tcp: {output: no/such/b.log}}}", "logs.channels.tcp.output: cannot open ", "/b.log"),
                (
                    "{file_logger_options: {log_output: /dev/null/x.log}}",
                    "logs.file_logger_options.log_output: cannot open /dev/null/x.log: ", "Not a directory"
                ),
            ]
        )
        func badFile(logs: String, says: String, and reason: String) async throws {
            let rr = try RRProcess(Settings(more: "logs: \(logs)"))
            defer { rr.destroy() }
            try rr.expectExit(.code(1))
            try rr.log.awaitEnd()
            #expect(rr.log.all.count == 1)
            #expect(rr.log.all.first?.hasPrefix("[ERROR] \(says)") == true, "\(rr.log.text)")
            #expect(rr.log.contains(reason))
            #expect(try rr.events.count("START") == 0)
        }
    }
}

extension TemporaryDirectory {
    func read(_ name: String) throws -> String {
        try String(contentsOfFile: self.file(name), encoding: .utf8)
    }
}
