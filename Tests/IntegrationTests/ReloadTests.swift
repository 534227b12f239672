import Foundation
import TestSupport
import Testing

extension Integration {
    /// SIGHUP: the configuration is read anew.
    @Suite struct Reload {
        @Test("The number of workers, under traffic")
        func numberOfWorkers() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                var settings = rr.settings
                try await withTraffic(rr) {
                    for count in [5, 1, 3] {
                        let before = rr.workers
                        settings.workers = count
                        #expect(try rr.reload(settings).contains("reloaded"))
                        try rr.awaitWorkers(count, without: before)
                    }
                }
                try eventually("the others to be gone") { rr.leftovers == rr.workers }
            }
        }

        @Test("A server is added, another taken away: who is connected there stays")
        func servers() async throws {
            try await withRR(Settings(.init("first"), .init("second"))) { rr in
                let first = try rr.client("first")
                #expect(try first.ask("hello") == "hello")
                let second = try rr.client("second")
                #expect(try second.ask("hello") == "hello")
                var settings = rr.settings
                let third = try Settings.Server("third")
                let fourth = try Settings.Server("fourth", at: .unix(path: rr.directory.file("fourth.sock")))
                settings.servers = [settings.servers[0], third, fourth]
                try rr.reload(settings)

                for endpoint in [third.endpoint, fourth.endpoint] {
                    let client = try Client(endpoint)
                    #expect(try client.ask("hello") == "hello")
                }
                #expect(throws: SystemError.self) { try rr.client("second") }
                #expect(try first.ask("as ever") == "as ever")
                #expect(try second.ask("still connected") == "still connected")
                #expect(try rr.client("first").inspect().context.contains(#""server":"first""#))

                settings.servers = rr.settings.servers
                try rr.reload(settings)
                #expect(try rr.client("second").ask("back again") == "back again")
                #expect(throws: SystemError.self) { try Client(third.endpoint) }
                #expect(access(rr.directory.file("fourth.sock"), F_OK) != 0)
            }
        }

        @Test("The command and the environment of workers")
        func command() async throws {
            try await withRR(Settings(environment: ["WORKER_DATA": "write old"])) { rr in
                let before = rr.workers
                let client = try rr.client()
                #expect(try client.ask("which?") == "old")
                var settings = rr.settings
                settings.environment["WORKER_DATA"] = "write new"
                try rr.reload(settings)
                try rr.awaitWholePool(without: before)
                #expect(try client.ask("which?") == "new")
                settings.pool = ["command: [env, WORKER_DATA=write by another command, php, worker.php]"]
                try rr.directory.write("<?php require '\(Fixture.directory)/worker.php';", to: "worker.php")
                let second = rr.workers
                try rr.reload(settings)
                try rr.awaitWholePool(without: second)
                #expect(try client.ask("which?") == "by another command")
            }
        }

        @Test("Delimiter and framing, for new connections")
        func delimiter() async throws {
            try await withRR(Settings(.init("main", "delimiter: \"\\r\\n\""), environment: ["WORKER_DATA": "inspect"]))
            {
                rr in
                let old = try rr.client()
                try old.send("one\r\n")
                _ = try old.readLine()
                var settings = rr.settings
                settings.servers[0].options = ["delimiter: \"|\"", "framing: split"]
                try rr.reload(settings)
                let new = try rr.client()
                try new.send("a|b|")
                _ = try new.readLine()
                _ = try new.readLine()
                try old.send("two|\r\n")
                _ = try old.readLine()
                old.close()
                new.close()
                #expect(try rr.events.awaitClose(of: old) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
                #expect(try rr.events.awaitClose(of: new) == ["CONNECTED", "DATA", "DATA", "CLOSE"])
                #expect(try rr.events.of(old).compactMap(\.length) == [0, 5, 6, 0])
            }
        }

        @Test("Limits: supervisor, queue, allocator")
        func limits() async throws {
            try await withRR(Settings(workers: 1)) { rr in
                let client = try rr.client()
                try client.send("hang\r\n")
                try rr.events.await("DATA", count: 1, of: client)
                var settings = rr.settings
                settings.pool = ["supervisor: {exec_ttl: 1s}"]
                try rr.reload(settings)
                // Running requests are measured from now on.
                try client.awaitEnd()
                try rr.log.await("exec_ttl")

                settings.pool = ["dynamic_allocator: {max_workers: 2, idle_timeout: 1s}"]
                try rr.reload(settings)
                let gate = rr.gate()
                let clients = try (1...3).map { _ in try rr.client() }
                for client in clients {
                    try client.send("\(gate.order)\r\n")
                }
                try rr.events.await("DATA", count: 1 + 3)
                try gate.open()
                for client in clients {
                    #expect(try client.readLine() == "released")
                }
                settings.pool = []
                try rr.reload(settings)
                try rr.awaitWorkers(1)
            }
        }

        @Test("The log's levels")
        func logLevel() async throws {
            try await withRR(Settings(more: "logs: {level: info}")) { rr in
                func connect(_ name: String) throws {
                    let client = try rr.client()
                    #expect(try client.ask(name) == name)
                    client.close()
                    _ = try rr.events.awaitClose(of: client)
                }
                try connect("quiet")
                var settings = rr.settings
                settings.more = "logs: {level: debug}"
                try rr.reload(settings)
                let before = rr.log.count(of: "DEBUG")
                try connect("loud")
                try eventually("lines of level debug") { rr.log.count(of: "DEBUG") > before }
                settings.more = "logs: {level: info}"
                try rr.reload(settings)
                try rr.awaitWholePool()
                let told = rr.log.count(of: "connection closed")
                try connect("quiet again")
                try rr.stop()
                #expect(rr.log.count(of: "connection closed") == told)
            }
        }

        struct BadFile: CustomTestStringConvertible {
            var testDescription: String
            var change: @Sendable (inout Settings) throws -> Void
            var says: String
        }

        private static let badFiles = [
            BadFile(testDescription: "not YAML", change: { $0.more = "logs: [" }, says: ".rr.yaml"),
            BadFile(testDescription: "a bad value", change: { $0.pool = ["max_jobs: many"] }, says: "max_jobs"),
            BadFile(testDescription: "a bad address", change: { $0.servers[0].address = "nowhere" }, says: "nowhere"),
            BadFile(testDescription: "no command", change: { $0.command = "''" }, says: "command"),
            BadFile(testDescription: "no such user", change: { $0.server = ["user: nosuchuser"] }, says: "nosuchuser"),
            BadFile(
                testDescription: "an address that cannot be had",
                change: { $0.servers += [try .init("more", address: "192.0.2.1:7777")] },
                says: "192.0.2.1:7777"
            ),
        ]

        @Test("A bad file changes nothing, and the log says why", arguments: Self.badFiles)
        func badFile(file: BadFile) async throws {
            try await withRR(Settings(workers: 2)) { rr in
                let before = rr.workers
                let client = try rr.client()
                #expect(try client.ask("hello") == "hello")
                var settings = rr.settings
                settings.workers = 4
                settings.servers.append(try .init("another"))
                try file.change(&settings)
                let verdict = try rr.reload(settings)
                #expect(verdict.contains("not reloaded") && verdict.contains(file.says), "\(verdict)")
                try rr.always("nothing changes", for: .milliseconds(500)) { rr.workers == before }
                #expect(try client.ask("still connected") == "still connected")
                #expect(try rr.client().ask("as ever") == "as ever")
                let another = settings.servers[1].endpoint
                #expect(throws: SystemError.self) { try Client(another) }

                settings = rr.settings
                settings.workers = 3
                #expect(try !rr.reload(settings).contains("not reloaded"))
                try rr.awaitWorkers(3, without: before)
            }
        }

        @Test("An address is widened, spelled otherwise and narrowed: not one connection fails")
        func overlappingAddress() async throws {
            let endpoint = try Endpoint.free()
            let port = try #require(endpoint.port)
            try await withRR(Settings(.init(at: endpoint, address: ":\(port)"))) { rr in
                let isOver = Flag()
                try await withThrowingTaskGroup(of: Int.self) { group in
                    defer { isOver.set() }
                    for _ in 1...4 {
                        group.addTask {
                            var count = 0
                            while !isOver.isSet {
                                let client = try rr.client()
                                #expect(try client.ask("hello") == "hello")
                                count += 1
                            }
                            return count
                        }
                    }
                    var settings = rr.settings
                    let spellings = [
                        "127.0.0.1:", ":", "127.0.0.1:", "0.0.0.0:", "[::]:", "localhost:", "tcp://:", "127.0.0.1:",
                    ]
                    for spelling in spellings {
                        settings.servers[0].address = "\(spelling)\(port)"
                        let verdict = try rr.reload(settings)
                        #expect(!verdict.contains("not reloaded"), "\(verdict)")
                    }
                    isOver.set()
                    for try await count in group {
                        #expect(count > 0)
                    }
                }
                // Narrow again: an address that is not loopback's is not served.
                #expect(throws: SystemError.self) { try Client(.ipv6(port: port)) }
            }
        }

        @Test("Where a wider address cannot be had, the narrow one goes on")
        func overlapWithAnother() async throws {
            try await withRR(Settings()) { rr in
                let port = try #require(rr.endpoint().port)
                let other = try Endpoint.ipv6(port: port).socket()
                defer { close(other) }
                try check(Endpoint.ipv6(port: port).withAddress { bind(other, $0, $1) }, "bind")
                try check(listen(other, 1), "listen")
                var settings = rr.settings
                settings.servers[0].address = ":\(port)"
                let verdict = try rr.reload(settings)
                #expect(verdict.contains("not reloaded") && verdict.contains("in use"), "\(verdict)")
                #expect(try rr.client().ask("as ever") == "as ever")
            }
        }

        @Test("A file that is gone, too")
        func noFile() async throws {
            try await withRR(Settings()) { rr in
                let before = rr.workers
                try check(unlink(rr.directory.file(".rr.yaml")), "unlink")
                let verdict = try rr.reload()
                #expect(verdict.contains("not reloaded") && verdict.contains(".rr.yaml"), "\(verdict)")
                #expect(rr.workers == before)
            }
        }

        @Test("What cannot change is named in one warning; the rest changes")
        func unchangeable() async throws {
            try await withRR(Settings()) { rr in
                let before = rr.workers
                var settings = rr.settings
                settings.workers = 3
                settings.server = [
                    "relay: tcp://127.0.0.1:\(try Endpoint.free().port ?? 0)", "on_init: {command: 'true'}",
                ]
                settings.more =
                    "logs: {encoding: json}\nmetrics: {address: '127.0.0.1:1'}\nstatus: {address: '127.0.0.1:2'}"
                try rr.reload(settings)
                try rr.awaitWorkers(3, without: before)
                let warnings = rr.log.all.filter { $0.contains("next start") }
                #expect(warnings.count == 1)
                for key in ["server.relay", "server.on_init", "metrics", "status", "logs"] {
                    #expect(warnings.first?.contains(key) == true, "\(key)")
                }
                #expect(try rr.client().ask("as ever") == "as ever")
            }
        }

        @Test("Again and again under traffic: not one request fails")
        func again() async throws {
            try await withRR(Settings(workers: 2)) { rr in
                let descriptors = try ProcessTable.descriptorCount(of: rr.pid)
                try await withTraffic(rr) {
                    for _ in 1...10 {
                        try rr.reload()
                    }
                }
                try eventually("everything to settle") {
                    try rr.leftovers == rr.workers && rr.workers.count == 2
                        && ProcessTable.descriptorCount(of: rr.pid) == descriptors
                }
            }
        }
    }
}
