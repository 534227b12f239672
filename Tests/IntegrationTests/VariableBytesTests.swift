import Foundation
import TestSupport
import Testing

extension Integration {
    /// Variables are bytes, and what they hold is told to workers alone.
    @Suite struct VariableBytes {
        @Test("Variables that are not UTF-8 reach workers and delimiters as they are")
        func bytes() async throws {
            var settings = try Settings(environment: ["GIVEN": "x${OUTER}", "WORKER_DATA": "getenv ${WANTED}"])
            // A name that begins with a digit, which no worker can be given, must not keep workers from starting.
            settings.launcher = [
                "/bin/sh", "-c",
                #"OUTER=$(printf '\377\303('); RR_TCP_SERVERS_MAIN_DELIMITER=$(printf '\376'); "#
                    + "export OUTER RR_TCP_SERVERS_MAIN_DELIMITER; exec env 1A=x \"$@\"",
                "sh",
            ]
            for (name, value) in [("GIVEN", "78ffc328"), ("OUTER", "ffc328")] {
                settings.ownEnvironment["WANTED"] = name
                try await withRR(settings) { rr in
                    let client = try rr.client()
                    try client.send(Data("no end yet\r\n".utf8) + [0xFE])
                    #expect(try client.read(until: "\r\n") == value)
                }
            }
        }

        @Test("check tells which variable a worker is given, and what it holds only when asked")
        func secrets() throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let settings = try Settings(environment: ["PASSWORD": "${GIVEN}"])
            let file = try directory.write(settings.yaml(events: "/tmp/events"), to: ".rr.yaml")
            for form in [[], ["--json"], ["--explain"]] {
                let arguments = [try Fixture.binary(), "check", "-c", file] + form
                let hidden = try Command.run(arguments, environment: ["GIVEN": "sesame"])
                #expect(hidden.exit == .code(0), "\(hidden.errors)")
                #expect(hidden.output.contains("${GIVEN}"))
                #expect(!hidden.output.contains("sesame"))
                let shown = try Command.run(arguments + ["--show-secrets"], environment: ["GIVEN": "sesame"])
                #expect(shown.output.contains("sesame"))
            }
        }

        @Test(
            "What check refuses is not served",
            arguments: [
                ("rpc: {listen: tcp//not_exist}", "rpc.listen: invalid socket DSN"),
                ("tcp.pool.num_workers: 3", "tcp.pool.num_workers: the key `tcp.pool.num_workers` is there twice"),
                ("status: {address: \"ADDRESS\"}", "status.address: ADDRESS is taken already: `tcp.servers.main.addr`"),
            ]
        )
        func refusals(text: String, message: String) throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            var settings = try Settings()
            let address = settings.servers[0].endpoint.address
            settings.more = text.replacing("ADDRESS", with: address)
            let file = try directory.write(settings.yaml(events: "/tmp/events"), to: ".rr.yaml")
            for command in ["check", "serve"] {
                let result = try Command.rr(command, "-c", file)
                #expect(result.exit == .code(1))
                #expect(result.errors.hasPrefix("[ERROR] \(file):"))
                #expect(result.errors.contains(message.replacing("ADDRESS", with: address)))
            }
        }

        @Test("A configuration with dots in its keys is served")
        func dots() async throws {
            let directory = try TemporaryDirectory()
            let settings = try Settings(workers: 3, pool: ["pipeline: {depth: auto}"])
            let text = settings.yaml(events: directory.file("events"))
                .replacing(
                    "  pool:\n    num_workers: 3\n    pipeline: {depth: auto}\n",
                    with: "  pool.num_workers: 3\n  pool.pipeline.depth: auto\n"
                )
                .replacing("  servers:\n    main:\n      addr:", with: "  servers.main.addr:")
            #expect(text.contains("pool.num_workers") && text.contains("servers.main.addr"))
            var dotted = settings
            dotted.file = try directory.write(text, to: ".rr.yaml")
            try await withRR(dotted, in: directory) { rr in
                #expect(rr.workers.count == 3)
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
            }
        }
    }
}
