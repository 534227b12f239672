import Testing

@testable import Application
@testable import Configuration

@Suite struct WarningTests {
    @Test func sectionsThatAreNotRunAreNamedOnce() throws {
        let loaded = try load(minimal + "http:\n  address: x\n  unknown: {a: [1, {b: 2}]}\njobs: {}\ngrpc: ~\n")
        #expect(
            loaded.warnings.map(\.description) == [
                "\(loaded.file):5:1: http: section `http` is not run by this service",
                "\(loaded.file):8:1: jobs: section `jobs` is not run by this service",
            ]
        )
    }

    @Test(arguments: [
        "http", "jobs", "grpc", "service", "centrifuge", "temporal", "otel", "reload", "app-logger",
    ])
    func knownSections(_ name: String) throws {
        #expect(
            try load(minimal + "\(name): {a: 1}\n").warnings.map(\.message) == [
                "section `\(name)` is not run by this service"
            ])
    }

    @Test func unknownKeysHaveTheirPlace() throws {
        let loaded = try load(
            minimal + "tpc: {}\nsmtp: {addr: x}\nlogs:\n  levle: info\n  channels: {tcp: {zzz: raw}}\n")
        #expect(
            loaded.warnings.map { "\($0.line ?? 0):\($0.column ?? 0) \($0.key ?? "") \($0.message)" } == [
                "5:1 tpc unknown section `tpc`, ignored; did you mean `tcp`?",
                "6:1 smtp unknown section `smtp`, ignored",
                "8:3 logs.levle unknown key, ignored; did you mean `level`?",
                "9:20 logs.channels.tcp.zzz unknown key, ignored",
            ]
        )
    }

    @Test func compressingIsNotPromised() throws {
        let options = "logs: {file_logger_options: {log_output: x, compress: "
        let warnings = try load(minimal + options + "true}}\n").warnings
        #expect(warnings.map(\.key) == ["logs.file_logger_options.compress"])
        #expect(warnings.first?.message.hasPrefix("has no effect: ") == true)
        #expect(try load(minimal + options + "no}}\n").warnings.isEmpty)
    }

    @Test func keysThatNeverWorkSayWhy() throws {
        let text = minimal.replacing("\"php worker.php\"", with: "php, relay_timeout: 20s, after_init: {command: x}")
        let warnings = try load(text + "endure: {print_graph: true}\n").warnings
        #expect(warnings.map(\.key) == ["server.relay_timeout", "server.after_init", "endure.print_graph"])
        #expect(warnings.allSatisfy { $0.message.hasPrefix("has no effect: ") })
    }

    @Test func keysInEffectSayNothing() throws {
        let text = """
            version: '3'
            server: {command: php, env: {A: 1}, relay: pipes}
            tcp:
              read_buf_size: 1
              max_packet_size: 1
              servers: {a: {addr: ':1', delimiter: x, read_buf_size: 1, framing: split, max_packet_size: 1}}
              pool:
                {num_workers: 1, max_jobs: 1, max_queue_size: 1, allocate_timeout: 1s, destroy_timeout: 1s,
                reset_timeout: 1s, command: php}
            logs: {level: info, mode: raw, encoding: json, channels: {tcp: {level: info}}}
            endure: {grace_period: 1s}
            rpc: {listen: 'tcp://:6001'}
            status: {address: ':2', unavailable_status_code: 500, check_timeout: 5, unavailable_after: 1m}
            metrics: {address: ':3'}
            """
        #expect(try load(text).warnings.isEmpty)
    }

    @Test func floodsAreBounded() throws {
        let text = minimal + (0..<5000).map { "unknown\($0): 1\n" }.joined()
        let warnings = try load(text).warnings
        #expect(warnings.count == 201)
        #expect(warnings.contains { $0.message == "further warnings are left out" })
    }

    @Test func textsOfAFileStayOnOneLine() throws {
        let error = try failure(minimal + "logs: {level: \"a\\nb\\u001b[31m\"}\n")
        #expect(!error.description.contains("\n"))
        #expect(!error.description.contains("\u{1B}"))
    }

    @Test(
        arguments: [
            ("comand", "command"), ("addrs", "addr"), ("delimeter", "delimiter"), ("dilemiter", "delimiter"),
            ("zzz", nil), ("", nil), ("session", nil), ("lately", nil),
        ] as [(String, String?)])
    func suggestions(word: String, guess: String?) {
        #expect(Suggestion.closest(to: word, among: ["command", "addr", "delimiter", "version", "lively"]) == guess)
    }

    /// A section is no mistyped value, and a value no mistyped section.
    @Test(arguments: [
        ("session: {driver: x}", "unknown section `session`, ignored"),
        ("versoin: {}", "unknown section `versoin`, ignored"),
        ("tpc: x", "unknown section `tpc`, ignored"),
        ("include_: a.yaml", "unknown section `include_`, ignored; did you mean `include`?"),
        ("tcpp: {}", "unknown section `tcpp`, ignored; did you mean `tcp`?"),
    ])
    func suggestionsAreOfTheSameKind(text: String, message: String) throws {
        #expect(try load(minimal + text + "\n").warnings.map(\.message) == [message])
    }
}
