import Foundation
import TestSupport
import Testing

extension Integration {
    /// Calls of workers and scripts by the address of `rpc.listen`.
    @Suite struct RPC {
        /// One of each kind.
        private func endpoints(_ directory: TemporaryDirectory) throws -> [Endpoint] {
            [try .free(), .unix(path: directory.file("rpc.sock"))]
        }

        private func withRPC(
            _ settings: Settings,
            more: String = "",
            _ body: (RRProcess, Endpoint) async throws -> Void
        ) async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            for endpoint in try self.endpoints(directory) {
                try await withRR(settings.withRPC(at: endpoint, more: more)) { rr in try await body(rr, endpoint) }
            }
        }

        @Test("The frames that PHP's clients send and expect, over both kinds of socket")
        func frames() async throws {
            let pairs = [
                (
                    "15082f00000022c6f82a000001000000090000007463702e436c6f7365223662613762383130"
                        + "2d396461642d313164312d383062342d30306330346664343330633822",
                    "15080d00000097a1c320000001000000090000007463702e436c6f736574727565"
                )
            ]
            try await self.withRPC(Settings(workers: 1)) { rr, endpoint in
                let rpc = try RPCConnection(endpoint)
                for (request, reply) in pairs {
                    try rpc.client.send(RPCConnection.bytes(request))
                    let expected = RPCConnection.bytes(reply)
                    #expect(try rpc.client.read(expected.count) == expected)
                }
                #expect(try rpc.call("rpc.Version", "true").hasPrefix("\"20"))
                #expect(try rpc.call("informer.List", "true") == "[\"tcp\"]")
                #expect(try rpc.call("resetter.List", "") == "[\"tcp\"]")
                #expect(try rpc.call("informer.Jobs", "\"tcp\"") == "[]")
                #expect(try rpc.call("informer.Workers", "\"http\"") == "{\"workers\":[]}")
                #expect(try rpc.call("tcp.Close", "\"no uuid\"") == "true")
                #expect(try rpc.call("tcp.close", "\"\"") == "ERROR: rpc: can't find method tcp.close")
                #expect(try rpc.call("jobs.List", "\"\"") == "ERROR: rpc: can't find service jobs.List")
                #expect(try rpc.call("List", "") == "ERROR: rpc: service/method request ill-formed: List")
                #expect(try rpc.call("informer.Workers", "{") == "ERROR: the JSON is malformed at byte 1")
                #expect(
                    try rpc.call("resetter.Reset", "\"http\"")
                        == "ERROR: resetter_rpc_reset:\n\tresetter_plugin_reset_by_name: no such plugin: http")
                // Go's own encoding, and a protobuf message for a method that has none.
                try rpc.send("rpc.Version", "x", id: 7, flags: 0x20)
                #expect(
                    try rpc.reply()
                        == .init(id: 7, flags: 0x60, method: "rpc.Version", body: Data("unknown codec".utf8)))
                try rpc.send("rpc.Version", "x", id: 8, flags: 0x80)
                #expect(try rpc.reply().text == "goridge_read_request_body: message type is not a proto")
                // The connection goes on after all of these.
                #expect(try rpc.call("informer.List", "true") == "[\"tcp\"]")
            }
        }

        @Test("A worker may call before its handshake, and while it handles the CLOSE of a drain")
        func fromStartToEnd() async throws {
            let environment = [
                "WORKER_START": "rpc informer.List true", "WORKER_READY": "rpc rpc.Version true",
                "WORKER_CLOSE": "rpc informer.List true",
            ]
            try await self.withRPC(Settings(workers: 4, environment: environment)) { rr, _ in
                let atStart = try awaitValue("the calls after the handshakes") {
                    let results = try rr.events.all.filter { $0.event == "RPC" }.compactMap(\.result)
                    return results.count == 8 ? results : nil
                }
                #expect(atStart.allSatisfy { $0 == "[\"tcp\"]" || $0.hasPrefix("\"20") }, "\(atStart)")
                let clients = try (0..<20).map { _ in try rr.client() }
                for client in clients {
                    #expect(try client.ask("hello") == "hello")
                }
                try rr.stop()
                let atEnd = try rr.events.all.filter { $0.event == "RPC" }.compactMap(\.result).dropFirst(8)
                #expect(Array(atEnd) == Array(repeating: "[\"tcp\"]", count: 20))
            }
        }

        @Test("Sixteen workers that store with each event, through a SIGTERM: no call fails, and no answer is lost")
        func storingThroughTheEnd() async throws {
            let set = #"{"storage":"s","items":[{"key":"k","value":"dg==","timeout":"2100-01-01T00:00:00Z"}]}"#
            let environment = [
                "WORKER_START": "rpc kv.Set \(set)", "WORKER_DATA": "rpc kv.Set \(set)",
                "WORKER_CLOSE": "rpc kv.MGet \(set)",
            ]
            let more = "kv:\n  s:\n    driver: memory\n    config: {}\nendure:\n  grace_period: 3s\n  drain_idle: 50ms"
            try await self.withRPC(Settings(workers: 16, environment: environment, more: more)) { rr, _ in
                let clients = try (1...16).map { _ in try rr.client() }
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for client in clients {
                        group.addTask {
                            var answers = 0
                            // To the end of its connection, which comes between two questions.
                            while let answer = try? client.ask("store") {
                                #expect(answer.hasPrefix("{") || answer == "null", "\(answer)")
                                answers += 1
                            }
                            return answers
                        }
                    }
                    try eventually("an event of each client") {
                        try clients.allSatisfy { try rr.events.of($0).contains { $0.event == "DATA" } }
                    }
                    try rr.stop()
                    #expect(try await group.reduce(0, +) > 16)
                }
                let failed = try rr.events.all.compactMap(\.result).filter { $0.hasPrefix("ERROR") }
                #expect(failed.isEmpty, "\(failed.first ?? "")")
            }
        }

        @Test("A worker that closes its own connection, or another one, does not wait for itself")
        func closing() async throws {
            try await self.withRPC(Settings(workers: 2)) { rr, endpoint in
                let own = try rr.client()
                try own.send("rpc-own tcp.Close\r\n")
                try own.awaitEnd()
                #expect(try rr.events.awaitClose(of: own) == ["CONNECTED", "DATA", "CLOSE"])
                let other = try rr.client()
                #expect(try other.ask("hello") == "hello")
                let uuid = try #require(try rr.events.of(other).first?.uuid)
                #expect(try rr.client().ask("rpc tcp.Close \"\(uuid.uppercased())\"") == "true")
                try other.awaitEnd()
                #expect(try rr.events.awaitClose(of: other) == ["CONNECTED", "DATA", "CLOSE"])
                let results = try rr.events.all.compactMap(\.result)
                #expect(results == ["true", "true"])
            }
        }

        @Test("informer.Workers tells of each worker what PHP's client reads")
        func informer() async throws {
            try await self.withRPC(Settings(workers: 3)) { rr, endpoint in
                struct Answer: Decodable {
                    struct Worker: Decodable {
                        var pid: pid_t
                        var status: Int
                        var numExecs: Int
                        var created: Int64
                        var memoryUsage: Int
                        var processorPercent: Double
                        var command: String
                        var statusStr: String

                        enum CodingKeys: String, CodingKey {
                            case pid, status, numExecs, created, memoryUsage, command, statusStr
                            case processorPercent = "CPUPercent"
                        }
                    }
                    var workers: [Worker]
                }
                let client = try rr.client()
                let text = try client.ask("rpc informer.Workers \"tcp\"")
                let workers = try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).workers
                #expect(Set(workers.map(\.pid)) == rr.workers)
                #expect(workers.map(\.statusStr).sorted() == ["ready", "ready", "working"])
                let own = try #require(try rr.events.of(client).last).pid
                #expect(workers.first { $0.pid == own }?.status == 2)
                let now = Date().timeIntervalSince1970
                #expect(workers.allSatisfy { abs(Double($0.created) * 1e-9 - now) < 120 && $0.memoryUsage > 1_000_000 })
            }
        }

        @Test("Workers that reset the pool from within an event: each gets its answer, and all are replaced")
        func resetFromWithin() async throws {
            try await self.withRPC(Settings(workers: 3)) { rr, _ in
                let before = rr.workers
                let clients = try (0..<3).map { _ in try rr.client() }
                for client in clients {
                    try client.send("rpc resetter.Reset \"tcp\"\r\n")
                }
                for client in clients {
                    #expect(try client.readLine() == "true")
                }
                try rr.awaitWholePool(without: before)
                #expect(try rr.client().ask("hello") == "hello")
            }
        }

        @Test(
            "One worker more, one less, asked for by a worker; the last one stays, and a reload brings the number back")
        func size() async throws {
            try await self.withRPC(Settings(workers: 1)) { rr, endpoint in
                let client = try rr.client()
                #expect(try client.ask("rpc informer.RemoveWorker \"tcp\"") == "ERROR: can't remove the last worker")
                #expect(try client.ask("rpc informer.AddWorker \"tcp\"") == "true")
                #expect(rr.workers.count == 2)
                #expect(try client.ask("rpc informer.AddWorker \"http\"").hasPrefix("ERROR: plugin http does not"))
                // Both are busy: the other one goes when it has answered.
                let gate = rr.gate()
                let busy = try rr.client()
                try busy.send("\(gate.order)\r\n")
                try rr.events.await("DATA", count: 1, of: busy)
                let leaving = try #require(try rr.events.of(busy).last).pid
                #expect(try client.ask("rpc informer.RemoveWorker \"tcp\"") == "true")
                try gate.open()
                #expect(try busy.readLine() == "released")
                if endpoint.port == nil {
                    // Over TCP nobody knows who calls.
                    try rr.awaitWorkers(1, without: [leaving])
                }
                try rr.awaitWorkers(1)
                #expect(try client.ask("rpc informer.AddWorker \"tcp\"") == "true")
                try rr.reload(rr.settings)
                try rr.awaitWorkers(1)
            }
        }

        @Test("What is no call ends its connection alone, and is in the log with its first bytes")
        func malformed() async throws {
            try await self.withRPC(Settings(workers: 1), more: "  max_message_size: 1KB") { rr, endpoint in
                let other = try RPCConnection(endpoint)
                for junk in ["GET / HTTP/1.1\r\n\r\n", "15080004000000000000"] {
                    let client = try Client(endpoint)
                    try client.send(junk.hasPrefix("G") ? Data(junk.utf8) : RPCConnection.bytes(junk))
                    try client.awaitEnd()
                }
                try rr.log.await("what it sends are no calls", "47 45 54 20")
                let large = try RPCConnection(endpoint)
                try large.send("rpc.Version", String(repeating: " ", count: 2000))
                try large.client.awaitEnd()
                #expect(try other.call("informer.List", "true") == "[\"tcp\"]")
            }
        }

        @Test("An address that is taken: rr does not start, and says which key it is")
        func takenAddress() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            for endpoint in try self.endpoints(directory) {
                try await withRR(try Settings(workers: 1).withRPC(at: endpoint)) { _ in
                    let second = try RRProcess(try Settings(workers: 1).withRPC(at: endpoint))
                    defer { second.destroy() }
                    try second.expectExit(.code(1))
                    #expect(second.log.text.contains("(rpc.listen): Address already in use"), "\(second.log.text)")
                }
            }
        }

        @Test("The socket's file has its mode; secrets are masked; the calls are counted")
        func files() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let path = directory.file("rpc.sock")
            let metrics = try Endpoint.free()
            let settings = try Settings(
                workers: 1,
                environment: ["DB_PASSWORD": "hunter2", "PLAIN": "seen"],
                more: "metrics:\n  address: \(metrics.address)"
            ).withRPC(at: .unix(path: path), more: "  listen_mode: '0600'")
            try await withRR(settings) { rr in
                let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let rpc = try RPCConnection(.unix(path: path))
                try rpc.send("rpc.Config", "", flags: 0x04)
                let configuration = try rpc.reply().text
                #expect(
                    configuration.contains("\"DB_PASSWORD\":\"***\"") && configuration.contains("\"PLAIN\":\"seen\""))
                #expect(!configuration.contains("hunter2"))
                let encoded = try rpc.call("rpc.Config", "true")
                #expect(Data(base64Encoded: String(encoded.dropFirst().dropLast()))?.text == configuration)
                _ = try rpc.call("rpc.Nothing", "true")
                let values = try Metrics.scrape(metrics)
                #expect(values["rr_rpc_calls_total{method=\"rpc.Config\",result=\"ok\"}"] == 2)
                #expect(values["rr_rpc_calls_total{method=\"unknown\",result=\"error\"}"] == 1)
                #expect(values["rr_rpc_connections"] == 1)
            }
        }
    }
}
