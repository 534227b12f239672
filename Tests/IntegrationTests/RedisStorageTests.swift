import Foundation
import TestSupport
import Testing

extension Integration {
    /// Storages of `kv` on Redis.
    @Suite struct RedisStorages {
        private func withStorage(
            _ config: String, _ body: (RRProcess, RPCConnection) async throws -> Void
        ) async throws {
            let endpoint = try Endpoint.free()
            let kv = "kv:\n  s: {driver: redis, config: \(config)}\n"
            try await withRR(Settings(workers: 1).withRPC(at: endpoint, more: kv)) { rr in
                try await body(rr, try RPCConnection(endpoint))
            }
        }

        private static let get = #"{"storage":"s","items":[{"key":"k"}]}"#
        private static let set =
            #"{"storage":"s","items":[{"key":"k","value":"MQ==","timeout":"2099-01-01T00:00:00Z"}]}"#

        @Test("A storage in a Redis with a password: keys without a prefix, in the database that was chosen")
        func storage() async throws {
            let server = try RedisServer(["--requirepass", "secret"])
            defer { server.kill() }
            try await self.withStorage(
                "{addrs: [\"127.0.0.1:\(server.port)\"], password: secret, db: 4}"
            ) { _, rpc in
                #expect(try rpc.call("kv.Set", Self.set) == "{}")
                #expect(try rpc.call("kv.MGet", Self.get) == #"{"items":[{"key":"k","value":"MQ=="}]}"#)
                #expect(
                    try rpc.call("kv.TTL", Self.get)
                        == #"{"items":[{"key":"k","timeout":"2099-01-01T00:00:00+00:00"}]}"#)
                #expect(
                    try rpc.call("kv.Incr", Self.get) == #"{"items":[{"key":"k","value":"Mg=="}]}"#)
                #expect(try rpc.call("kv.Add", Self.get) == "{}")
                #expect(try rpc.call("kv.Has", Self.get) == #"{"items":[{"key":"k"}]}"#)
                let stored = try server.ask("-n", "4", "-a", "secret", "GET", "k")
                #expect(stored == "2")
                #expect(try rpc.call("kv.Clear", #"{"storage":"s"}"#) == "{}")
                #expect(try rpc.call("kv.MGet", Self.get) == "{}")
            }
        }

        @Test("A Redis that is not there fails calls and not the start, and is used as soon as it is there")
        func deadServer() async throws {
            let server = try RedisServer()
            defer { server.kill() }
            server.kill()
            try await self.withStorage("{addrs: [\"127.0.0.1:\(server.port)\"]}") { rr, rpc in
                let error = try rpc.call("kv.MGet", Self.get)
                #expect(error.hasPrefix("ERROR: rpc_mget:"), "\(error)")
                #expect(error.hasSuffix("dial tcp 127.0.0.1:\(server.port): connect: connection refused"), "\(error)")
                #expect(rr.log.all.contains { $0.contains("Redis cannot be reached") })
                // Packets are served meanwhile.
                #expect(try rr.client().ask("hello") == "hello")
                try server.restart()
                try eventually("the server is used") { try rpc.call("kv.Set", Self.set) == "{}" }
                #expect(rr.log.all.contains { $0.contains("Redis is reached again") })
            }
        }

        @Test("A certificate that cannot be read fails the start, with its key")
        func certificate() throws {
            let kv = "kv:\n  s: {driver: redis, config: {tls: {root_ca: /nonexistent}}}\n"
            let rr = try RRProcess(Settings(workers: 1).withRPC(at: .free(), more: kv))
            defer { rr.destroy() }
            #expect(try rr.process.awaitExit() == .code(1))
            try rr.log.await("kv.s: config.tls.root_ca: the file cannot be used: ")
        }
    }
}
