import Foundation
import Testing

extension Integration {
    /// Connections that prefer a worker.
    @Suite struct Dispatch {
        private func slot(_ client: Client) throws -> String {
            try client.ask("getenv RR_WORKER_SLOT")
        }

        private func hasMoved(_ client: Client) throws -> Bool {
            try client.ask("inspect").contains(#"\"moved\":true}"#)
        }

        @Test("A connection stays with its worker, or its address does; a move is told, and a slot stays")
        func stickiness() async throws {
            let metrics = try Endpoint.free()
            let settings = try Settings(
                .init("one", "framing: split", "dispatch: connection", "sticky_wait: 60s"),
                .init("address", "framing: split", "dispatch: ip", "sticky_wait: 60s"),
                .init("soft", "framing: split", "dispatch: ip"),
                .init("brief", "framing: split", "dispatch: ip", "sticky_wait: 20ms"), workers: 4,
                more: "metrics: {address: \"\(metrics.address)\"}")
            try await withRR(settings) { rr in
                let clients = try (0..<24).map { _ in try rr.client("one") }
                let slots = try clients.map { try self.slot($0) }
                #expect(Set(slots).isSubset(of: ["30", "31", "32", "33"]) && Set(slots).count > 1)
                // All at once, so that workers are busy.
                for _ in 0..<20 {
                    for client in clients {
                        try client.send("hello\r\n")
                    }
                    for client in clients {
                        #expect(try client.readLine() == "hello")
                    }
                }
                for client in clients {
                    #expect(Set(try rr.events.of(client).map(\.pid)).count == 1)
                    #expect(try !self.hasMoved(client))
                }
                let neighbours = try (0..<4).map { _ in try rr.client("address") }
                #expect(Set(try neighbours.map { try self.slot($0) }).count == 1)

                // Without patience, or when that is over, another worker is better than to wait.
                for server in ["soft", "brief"] {
                    let (busy, other) = (try rr.client(server), try rr.client(server))
                    // Only now no CONNECTED keeps their worker busy.
                    _ = (try self.slot(busy), try self.slot(other))
                    #expect(try self.slot(busy) == self.slot(other))
                    let gate = rr.gate()
                    try busy.send("\(gate.order)\r\n")
                    try rr.events.await("DATA", count: 3, of: busy)
                    #expect(try self.hasMoved(other), "\(server)")
                    try gate.open()
                    #expect(try busy.readLine() == "released")
                }

                let gone = rr.killWorkers()
                try rr.awaitWholePool(without: gone)
                try eventually("all to be ready") { try Metrics.scrape(metrics)["rr_tcp_workers_ready"] == 4 }
                for (client, slot) in zip(clients, slots) {
                    #expect(try self.hasMoved(client))
                    #expect(try !self.hasMoved(client))
                    #expect(try self.slot(client) == slot)
                }
            }
        }
    }
}
