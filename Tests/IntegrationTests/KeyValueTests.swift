import Foundation
import TestSupport
import Testing

extension Integration {
    /// Storages of `kv`, as workers and scripts use them.
    @Suite struct KeyValue {
        private func withKV(
            _ kv: String, _ settings: Settings, more: String = "", in directory: TemporaryDirectory? = nil,
            _ body: (RRProcess, RPCConnection) async throws -> Void
        ) async throws {
            let endpoint = try Endpoint.free()
            try await withRR(settings.withRPC(at: endpoint, more: "kv:\n\(kv)\n\(more)"), in: directory) { rr in
                try await body(rr, try RPCConnection(endpoint))
            }
        }

        @Test("PHP's frames on a real server, over both encodings; and what the metrics say of them")
        func frames() async throws {
            let metrics = try Endpoint.free()
            try await self.withKV(
                "  s: {driver: memory}", Settings(workers: 1), more: "metrics: {address: \"\(metrics.address)\"}"
            ) { _, rpc in
                let pairs = [
                    (
                        "15801800000069fd92c6000001000000060000006b762e5365740a0173120d0a016b1208733a313a2276223b",
                        "158006000000c5dd5476000001000000060000006b762e536574"
                    ),
                    (
                        "158014000000d142448c000003000000070000006b762e4d4765740a017312030a016b12030a0178",
                        "1580160000005a8a4d26000003000000070000006b762e4d4765740a0d0a016b1208733a313a2276223b"
                    ),
                ]
                for (request, reply) in pairs {
                    try rpc.client.send(RPCConnection.bytes(request))
                    let expected = RPCConnection.bytes(reply)
                    #expect(try rpc.client.read(expected.count) == expected)
                }
                #expect(
                    try rpc.call("kv.Incr", #"{"storage":"S","items":[{"key":"n"}]}"#)
                        == #"{"items":[{"key":"n","value":"MQ=="}]}"#)
                #expect(
                    try rpc.call("kv.Set", #"{"storage":"x","items":[{"key":"n"}]}"#)
                        == "ERROR: rpc_set: no such storage: x")
                #expect(try rpc.call("kv.Foo", "null") == "ERROR: rpc: can't find method kv.Foo")
                let scraped = try Metrics.scrape(metrics)
                #expect(scraped[#"rr_kv_items{storage="s"}"#] == 2)
                #expect(scraped[#"rr_kv_hits_total{storage="s"}"#] == 1)
                #expect(scraped[#"rr_kv_misses_total{storage="s"}"#] == 1)
                #expect(scraped[#"rr_kv_calls_total{storage="s",method="Set",result="ok"}"#] == 1)
                #expect(try #require(scraped[#"rr_kv_call_seconds_total{storage="s",method="MGet"}"#]) > 0)
            }
        }

        @Test("Workers reach a storage before their handshake, and when they handle the CLOSE of a drain")
        func fromStartToEnd() async throws {
            let add = #"rpc kv.Add {"storage":"s","items":[{"key":"k"}]}"#
            let environment = ["WORKER_START": add, "WORKER_CLOSE": add]
            try await self.withKV(
                "  s: {driver: memory}", Settings(workers: 4, environment: environment)
            ) { rr, _ in
                let clients = try (0..<10).map { _ in try rr.client() }
                for client in clients {
                    #expect(try client.ask("hello") == "hello")
                }
                try rr.stop()
                let results = try rr.events.all.filter { $0.event == "RPC" }.compactMap(\.result)
                #expect(results.count == 14)
                #expect(results.filter { $0 == #"{"items":[{"key":"k"}]}"# }.count == 1)
                #expect(results.allSatisfy { $0.hasPrefix("{") }, "\(results)")
            }
        }

        @Test("A file keeps keys and their times through a kill of the server, and belongs to one server")
        func file() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let kv = "  s: {driver: boltdb, config: {file: \"\(directory.file("s.db"))\"}}"
            try await self.withKV(kv, Settings(workers: 1)) { rr, rpc in
                #expect(
                    try rpc.call(
                        "kv.Set",
                        #"{"storage":"s","items":[{"key":"a","value":"MQ==","timeout":"2099-01-01T00:00:00Z"},{"key":"b"}]}"#
                    ) == "{}")
                let second = try RRProcess(Settings(workers: 1).withRPC(at: .free(), more: "kv:\n\(kv)\n"))
                defer { second.destroy() }
                #expect(try second.process.awaitExit() == .code(1))
                #expect(
                    second.log.all.contains {
                        $0.contains("kv.s: \(directory.file("s.db")) is in use by another process")
                    })
                rr.process.send(signal: SIGKILL)
                _ = try rr.process.awaitExit()
            }
            try await self.withKV(kv, Settings(workers: 1)) { _, rpc in
                let values = try rpc.call("kv.MGet", #"{"storage":"s","items":[{"key":"a"},{"key":"b"}]}"#)
                #expect(values == #"{"items":[{"key":"a","value":"MQ=="},{"key":"b"}]}"#)
                let times = try rpc.call("kv.TTL", #"{"storage":"s","items":[{"key":"a"}]}"#)
                #expect(times == #"{"items":[{"key":"a","timeout":"2099-01-01T00:00:00+00:00"}]}"#)
            }
        }
    }
}
