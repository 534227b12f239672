import Foundation
import Testing

extension Integration {
    /// A deployment's rolling restart, as its clients see it.
    @Suite struct RollingRestart {
        private struct Result: Decodable {
            var sessions: Int
            var answers: Int
            var broken: [String]
            var refused: Int
            /// Connections for which no instance was ready.
            var withoutBackend: Int

            enum CodingKeys: String, CodingKey {
                case sessions, answers, broken, refused
                case withoutBackend = "without_backend"
            }
        }

        private struct Instance {
            var settings: Settings
            var status: Endpoint
            var rr: RRProcess

            init() throws {
                self.status = try Endpoint.free()
                let sections = [
                    "status: {address: \"\(self.status.address)\"}",
                    "endure: {drain_delay: 1s, drain_idle: 1s}",
                ]
                self.settings = try Settings(workers: 2, more: sections.joined(separator: "\n"))
                self.rr = try RRProcess(self.settings)
            }

            var ports: String {
                "\(self.settings.servers[0].endpoint.port ?? 0):\(self.status.port ?? 0)"
            }

            /// Ends it as an orchestrator does, and starts the next one in its place.
            mutating func replace() throws {
                try self.rr.stop()
                try self.expectEveryClose()
                self.rr.destroy()
                self.rr = try RRProcess(self.settings)
                try self.rr.awaitReady()
            }

            func expectEveryClose() throws {
                let connected = try self.rr.events.count("CONNECTED")
                let closed = try self.rr.events.count("CLOSE")
                #expect(connected > 0)
                #expect(closed == connected)
            }
        }

        @Test("Two instances behind a balancer, replaced in turn: 200 sessions notice nothing")
        func drill() async throws {
            var first = try Instance()
            defer { first.rr.destroy() }
            var second = try Instance()
            defer { second.rr.destroy() }
            try first.rr.awaitReady()
            try second.rr.awaitReady()
            let drill = try ChildProcess(
                ["python3", "\(Fixture.directory)/drill.py", "200", first.ports, second.ports],
                environment: Command.environment,
                directory: "/tmp"
            )
            defer { drill.send(signal: SIGKILL) }
            try drill.standardOutput.await("steady")
            try first.replace()
            // The balancer knows it, before it hears that the other one leaves.
            try first.rr.events.await("CONNECTED", count: 1)
            try second.replace()
            // The new ones have their share.
            let seen = (try first.rr.events.count("CLOSE"), try second.rr.events.count("CLOSE"))
            try first.rr.events.await("CLOSE", count: seen.0 + 50)
            try second.rr.events.await("CLOSE", count: seen.1 + 50)
            drill.send(signal: SIGTERM)
            let json = try drill.standardOutput.await("sessions")
            let result = try JSONDecoder().decode(Result.self, from: Data(json.utf8))
            print("rolling restart: \(result.sessions) sessions, \(result.answers) answers")
            #expect(result.broken.isEmpty)
            #expect(result.refused == 0)
            #expect(result.withoutBackend == 0)
            #expect(result.sessions >= 200)
            for instance in [first, second] {
                try instance.rr.stop()
                try instance.expectEveryClose()
            }
        }
    }
}
