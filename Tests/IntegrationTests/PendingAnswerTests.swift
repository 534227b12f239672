import Foundation
import Testing

extension Integration {
    /// `tcp.max_pending` limits the answers that clients have not taken, over all clients.
    @Suite struct PendingAnswers {
        private static let size = 16_000_000

        private func settings(_ metrics: Endpoint, megabytes: Int) throws -> Settings {
            var settings = try Settings(
                workers: 4,
                more: "logs:\n  level: info\nmetrics: {address: \"\(metrics.address)\"}"
            )
            settings.tcp = ["max_pending: \(megabytes)"]
            return settings
        }

        @Test("Fifty clients that do not read 16 MB each take no more than the bound, and others are answered")
        func slowReaders() async throws {
            let metrics = try Endpoint.free()
            let bound = 200 << 20
            try await withRR(self.settings(metrics, megabytes: 200)) { rr in
                let neighbour = try rr.client()
                #expect(try neighbour.ask("warm") == "warm")
                let before = try ProcessTable.residentMemory(of: rr.pid)
                let slow = try (0..<50).map { _ in try rr.client(receiveBuffer: 4096) }
                for client in slow {
                    try client.send("big \(Self.size)\r\n")
                }
                try eventually("the bound to be reached") {
                    try Metrics.scrape(metrics)["rr_tcp_pending_bytes"] ?? 0 >= Double(bound)
                }
                // Behind all the others, and long before any timeout of the pool.
                #expect(try neighbour.ask("hello", within: .seconds(55)) == "hello")
                try rr.log.await("does not read its answers")
                let most = try ProcessTable.mostResidentMemory(of: rr.pid) - before
                // One answer of each worker is read beyond it; what a buffer was before it grew may still be there.
                #expect(most < bound + 4 * 2 * Self.size + 32 << 20, "\(most) bytes")

                let series = #"rr_tcp_connections_closed_total{server="main",reason="slow_reader"}"#
                try eventually("ten to be cut") { try #require(Metrics.scrape(metrics)[series]) >= 10 }
                #expect(try #require(Metrics.scrape(metrics)[series]) < 50)
                for client in slow {
                    client.reset()
                }
                try eventually("nothing to be pending") { try Metrics.scrape(metrics)["rr_tcp_pending_bytes"] == 0 }
                try rr.events.await("CLOSE", count: 50)
            }
        }

        @Test("Clients that read get all of their answers past the bound, however many there are")
        func readers() async throws {
            let metrics = try Endpoint.free()
            try await withRR(self.settings(metrics, megabytes: 1)) { rr in
                let expected = Payload.pattern(Self.size)
                let stuck = try rr.client(receiveBuffer: 4096)
                try stuck.send("big \(Self.size)\r\n")
                try eventually("the bound to be reached") {
                    try Metrics.scrape(metrics)["rr_tcp_pending_bytes"] ?? 0 >= Double(1 << 20)
                }
                let clients = try (0..<3).map { _ in try rr.client() }
                for client in clients {
                    try client.send("big \(Self.size)\r\n")
                }
                // Small answers go on meanwhile.
                #expect(try rr.client().ask("small") == "small")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in clients {
                        group.addTask {
                            let answer = try client.read(Self.size)
                            #expect(answer == expected)
                            let next = try client.ask("next")
                            #expect(next == "next")
                        }
                    }
                    try await group.waitForAll()
                }
                try rr.log.await("does not read its answers")
                try stuck.awaitEnd()
            }
        }

        @Test("A client that never reads takes little memory, however much it sends")
        func deafClient() async throws {
            var settings = try Settings(workers: 2)
            settings.servers[0].options = ["framing: split"]
            try await withRR(settings) { rr in
                #expect(try rr.client().ask("warm") == "warm")
                let before = try ProcessTable.residentMemory(of: rr.pid)
                let deaf = try rr.client()
                let packet = Data(String(repeating: "x", count: 16 * 1024 - 2).utf8) + Data("\r\n".utf8)
                _ = try deaf.sendWhatGoes(packet, atMost: 3000)
                #expect(try rr.events.count("DATA") > 5)
                #expect(try ProcessTable.residentMemory(of: rr.pid) - before < 4 << 20)
                #expect(try rr.client().ask("hello") == "hello")
            }
        }

        @Test("Clients that read slowly do not hold up the large answers of others for ever")
        func tooSlowReaders() async throws {
            let metrics = try Endpoint.free()
            try await withRR(self.settings(metrics, megabytes: 4)) { rr in
                let slow = try (0..<2).map { _ in try rr.client(receiveBuffer: 1 << 18) }
                for client in slow {
                    try client.send("big \(Self.size)\r\n")
                }
                try rr.events.await("DATA", count: 2)
                try eventually("the bound to be reached") {
                    try Metrics.scrape(metrics)["rr_tcp_pending_bytes"] ?? 0 >= Double(4 << 20)
                }
                let neighbour = try rr.client()
                try neighbour.send("big 100000\r\n")
                let deadline = Deadline()
                while !rr.log.contains("reads its answers too slowly"), deadline.milliseconds > 0 {
                    // Far more than what counts as not reading at all, and far less than the answer needs.
                    for client in slow {
                        _ = try client.readWhatComes(atMost: 100_000, within: .milliseconds(100))
                    }
                    usleep(100_000)
                }
                #expect(try neighbour.read(100_000) == Payload.pattern(100_000))
            }
        }

        @Test("A worker that is killed while its answer is held back is replaced, and every connection gets its CLOSE")
        func heldWorkers() async throws {
            let metrics = try Endpoint.free()
            try await withRR(self.settings(metrics, megabytes: 1)) { rr in
                let stuck = try rr.client(receiveBuffer: 4096)
                try stuck.send("big \(Self.size)\r\n")
                try eventually("the bound to be reached") {
                    try Metrics.scrape(metrics)["rr_tcp_pending_bytes"] ?? 0 >= Double(1 << 20)
                }
                let waiting = try (0..<2).map { _ in try rr.client(receiveBuffer: 4096) }
                for client in waiting {
                    try client.send("big \(Self.size)\r\n")
                }
                try rr.events.await("DATA", count: 3)
                let gone = rr.killWorkers()
                try rr.awaitWholePool(without: gone)
                #expect(try rr.client().ask("as ever") == "as ever")
                for client in waiting + [stuck] {
                    client.reset()
                }
                try rr.events.await("CLOSE", count: 4)
            }
        }
    }
}
