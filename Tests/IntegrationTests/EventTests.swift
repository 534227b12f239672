import Foundation
import TestSupport
import Testing

extension Integration {
    /// The events that workers receive: docs/protocol.md.
    @Suite struct Events {
        @Test("Three servers: each worker learns the server, the client's address and one uuid a connection")
        func threeServers() async throws {
            let settings = try Settings(.init("alpha"), .init("Beta"), .init("smtp"))
            try await withRR(settings) { rr in
                var uuids: Set<String> = []
                for server in settings.servers {
                    for _ in 1...2 {
                        let client = try rr.client(server.name)
                        let address = client.localAddress
                        let name = server.name.lowercased()
                        let first = try client.inspect()
                        let uuid = try first.uuid(server: name, remoteAddress: address)
                        #expect(first.body == Data("inspect\r\n".utf8), "the delimiter stays")
                        #expect(try client.inspect().uuid(server: name, remoteAddress: address) == uuid)
                        uuids.insert(uuid)

                        client.close()
                        #expect(try rr.events.awaitClose(of: address) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
                        #expect(try rr.events.of(address).allSatisfy { $0.uuid == uuid && $0.server == name })
                        #expect(try rr.events.of(address).map(\.length) == [0, 9, 9, 0])
                        #expect(try rr.events.of(address).allSatisfy { $0.flags == 0 && $0.options == 1 })
                    }
                }
                #expect(uuids.count == 6)
            }
        }

        @Test("Addresses: tcp://, a port alone, IPv6, and a unix socket over a stale one")
        func addresses() async throws {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let path = directory.file("rr.sock")
            try Self.leaveStaleSocket(at: path)
            let scheme = try Endpoint.free()
            let portAlone = try Endpoint.free()
            let ipv6 = Endpoint.ipv6(port: try #require(try Endpoint.free().port))
            let settings = try Settings(
                .init("scheme", at: scheme, address: "tcp://\(scheme.address)"),
                .init("portalone", at: portAlone, address: ":\(try #require(portAlone.port))"),
                .init("ipv6", at: ipv6),
                .init("local", at: .unix(path: path))
            )
            try await withRR(settings) { rr in
                for name in ["scheme", "portalone", "ipv6"] {
                    let client = try rr.client(name)
                    _ = try client.inspect().uuid(server: name, remoteAddress: client.localAddress)
                }
                // All interfaces of both families.
                let both = try Client(.ipv6(port: try #require(portAlone.port)))
                _ = try both.inspect().uuid(server: "portalone", remoteAddress: both.localAddress)
                for _ in 1...2 {
                    // As Go writes the address of a client that has none.
                    let client = try rr.client("local")
                    _ = try client.inspect().uuid(server: "local", remoteAddress: "@")
                }
                try rr.stop()
                #expect(!FileManager.default.fileExists(atPath: path), "the socket is removed")
            }
        }

        @Test("CONNECTED comes before anything is read, and its answer may greet, refuse, or close")
        func connected() async throws {
            var settings = try Settings(environment: ["WORKER_CONNECTED": "write 220 hello"])
            try await withRR(settings) { rr in
                let client = try rr.client()
                #expect(try client.readLine() == "220 hello")
                #expect(try client.ask("something") == "something")
            }
            for (order, greeting) in [("writeclose 554 no", "554 no\r\n"), ("close never seen", ""), ("error no", "")] {
                settings.environment["WORKER_CONNECTED"] = order
                try await withRR(settings) { rr in
                    let client = try rr.client()
                    #expect(try client.readToEnd().text == greeting)
                    #expect(try rr.events.awaitClose(of: client) == ["CONNECTED", "CLOSE"])
                }
            }
        }

        @Test("A client that sends before CONNECTED is answered is heard afterwards")
        func dataDuringConnected() async throws {
            let gate = try TemporaryDirectory()
            defer { gate.remove() }
            let path = gate.file("gate")
            try await withRR(Settings(environment: ["WORKER_CONNECTED": "wait \(path)"])) { rr in
                let client = try rr.client()
                try client.send("first\r\n")
                try rr.events.await("CONNECTED", count: 1, of: client)
                try Gate(path: path).open()
                #expect(try client.readLine() == "released")
                #expect(try client.readLine() == "first")
            }
        }

        @Test("A worker has its server's environment and RoadRunner's, and a process group of its own")
        func environment() async throws {
            var settings = try Settings(environment: ["lower_case": "kept", "expanded": "<${INTEGRATION_TEST}>"])
            settings.workers = 1
            try await withRR(settings) { rr in
                let client = try rr.client()
                let inspection = try client.inspect()
                #expect(inspection.parent == rr.pid)
                #expect(inspection.group == inspection.pid)

                let answer = Data(try client.ask("environment").utf8)
                let environment = try JSONDecoder().decode([String: String].self, from: answer)
                #expect(environment["RR_MODE"] == "tcp")
                #expect(environment["RR_RELAY"] == "pipes")
                #expect(environment["RR_VERSION"]?.isEmpty == false)
                #expect(environment["LOWER_CASE"] == "kept")
                #expect(environment["INTEGRATION_TEST"]?.isEmpty == false)
                #expect(environment["EXPANDED"] == environment["INTEGRATION_TEST"].map { "<\($0)>" })
            }
        }

        @Test("A worker inherits nothing but its three pipes, and no signal that is ignored or blocked")
        func inheritance() async throws {
            var settings = try Settings(.init("main"), .init("second"), workers: 4)
            settings.launcher = ["/usr/bin/env", "--ignore-signal=PIPE,USR1"]
            try await withRR(settings) { rr in
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                // A second generation, started while connections are open.
                let before = rr.killWorkers()
                try rr.awaitWholePool(without: before)
                #expect(try client.ask("hello") == "hello")

                var owners: [String: [pid_t]] = [:]
                for worker in rr.workers {
                    let targets = try ProcessTable.descriptors(of: worker)
                    #expect(!targets.values.contains { $0.hasPrefix("socket:") || $0.hasPrefix("anon_inode") })
                    for number in 0...2 {
                        #expect(targets[number]?.hasPrefix("pipe:") == true, "\(targets)")
                    }
                    for pipe in targets.values where pipe.hasPrefix("pipe:") {
                        owners[pipe, default: []].append(worker)
                    }
                    #expect(ProcessTable.signals("SigBlk", of: worker) == [])
                    // PHP ignores this one by itself.
                    #expect(ProcessTable.signals("SigIgn", of: worker) == [SIGPIPE])
                }
                #expect(owners.count == 3 * rr.workers.count)
                #expect(owners.values.allSatisfy { $0.count == 1 }, "a pipe is shared: \(owners)")
            }
        }

        private static func leaveStaleSocket(at path: String) throws {
            let endpoint = Endpoint.unix(path: path)
            let descriptor = try endpoint.socket()
            defer { close(descriptor) }
            try check(endpoint.withAddress { bind(descriptor, $0, $1) }, "bind")
        }
    }
}
