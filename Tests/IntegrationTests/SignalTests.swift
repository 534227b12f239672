import Foundation
import TestSupport
import Testing

extension Integration {
    /// A signal is neither late nor lost, whatever `rr` is at.
    @Suite struct Signals {
        /// Takes a while to be read; its content is ignored.
        private static let longSection =
            "http:\n" + (1...20_000).map { "  key\($0): value\n" }.joined()

        /// Starts `rr` with a configuration that takes a while to read, and returns while it reads.
        private func reading(_ command: String, in directory: TemporaryDirectory) throws -> ChildProcess {
            let settings = try Settings(more: Self.longSection)
            let path = try directory.write(settings.yaml(events: directory.file("events")), to: ".rr.yaml")
            let process = try ChildProcess(
                [try Fixture.binary(), command, "-c", path],
                environment: Command.environment,
                directory: directory.path
            )
            // Without a pause: it is there for some milliseconds only.
            let deadline = Deadline()
            while try ProcessTable.threadCount(of: process.pid) < 2 {
                guard !deadline.hasPassed else {
                    throw TimeoutError("the second thread of rr")
                }
            }
            return process
        }

        @Test("While the configuration is read: asked to end it ends well", arguments: [SIGTERM, SIGINT])
        func endWhileReading(signal: Int32) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let process = try self.reading("serve", in: directory)
            process.send(signal: signal)
            #expect(try process.awaitExit() == .code(0))
            #expect(process.standardError.count(of: "ERROR") == 0)
        }

        @Test("While the configuration is read: other signals are obeyed after the start")
        func reloadWhileReading() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let process = try self.reading("serve", in: directory)
            defer { process.send(signal: SIGKILL) }
            for signal in [SIGHUP, SIGUSR1, SIGUSR2] {
                process.send(signal: signal)
            }
            try process.standardOutput.await("RoadRunner server started")
            try process.standardError.await("the configuration was reloaded")
            process.send(signal: SIGTERM)
            #expect(try process.awaitExit() == .code(0))
        }

        @Test("A command that is no server ends by them, as any other", arguments: [SIGTERM, SIGINT, SIGHUP])
        func otherCommands(signal: Int32) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let process = try self.reading("check", in: directory)
            process.send(signal: signal)
            #expect(try process.awaitExit() == .signal(signal))
        }

        @Test("A start that waits for a name's lookup", .enabled(if: SilentNameServer.isPossible, "needs root"))
        func slowStart() async throws {
            let directory = try TemporaryDirectory()
            let names = try SilentNameServer(in: directory)
            let status = try Endpoint.free()
            var settings = try Settings(
                .init("slow", address: "slow.test:\(try Endpoint.free().port ?? 0)"),
                more: "status: {address: \"\(status.address)\"}"
            )
            names.apply(to: &settings)
            let rr = try RRProcess(settings, directory: directory)
            defer { rr.destroy() }
            try names.awaitQuery()
            #expect(try HTTPAnswer.get("/health", at: status).status == 200)
            rr.process.send(signal: SIGTERM)
            try rr.expectExit(.code(0), within: .seconds(20))
        }

        @Test("A reload that waits for a name's lookup", .enabled(if: SilentNameServer.isPossible, "needs root"))
        func slowReload() async throws {
            let directory = try TemporaryDirectory()
            let names = try SilentNameServer(in: directory)
            let status = try Endpoint.free()
            var settings = try Settings(
                more: """
                    status: {address: "\(status.address)"}
                    endure: {drain_idle: 100ms, drain_delay: 1s}
                    """
            )
            names.apply(to: &settings)
            try await withRR(settings, in: directory) { rr in
                settings.servers.append(try .init("slow", address: "slow.test:\(try Endpoint.free().port ?? 0)"))
                try rr.write(settings)
                rr.process.send(signal: SIGHUP)
                try names.awaitQuery()
                let client = try rr.client()
                #expect(try client.ask("as ever") == "as ever")
                rr.process.send(signal: SIGTERM)
                try eventually("/ready to say so", within: .seconds(10)) {
                    ((try? HTTPAnswer.get("/ready", at: status))?.status ?? 503) == 503
                }
                #expect(try client.readToEnd().isEmpty)
                try rr.expectExit(.code(0), within: .seconds(20))
                #expect(rr.log.count(of: "was reloaded") == 0)
            }
        }
    }
}

extension ProcessTable {
    fileprivate static func threadCount(of pid: pid_t) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").count
    }
}
