import Foundation
import TestSupport
import Testing

extension Integration {
    /// `/metrics` is well-formed whatever happens, and agrees with what clients did.
    @Suite struct MetricsEndpoint {
        private func settings(_ metrics: Endpoint, workers: Int = 2, pool: [String] = []) throws -> Settings {
            try Settings(workers: workers, pool: pool, more: "metrics: {address: \"\(metrics.address)\"}")
        }

        @Test("The counts are what the clients did")
        func counts() async throws {
            let endpoint = try Endpoint.free()
            try await withRR(self.settings(endpoint)) { rr in
                for number in 0..<10 {
                    let client = try rr.client()
                    for packet in 0..<number {
                        #expect(try client.ask("packet \(packet)") == "packet \(packet)")
                    }
                    switch number % 3 {
                    case 0: client.close()
                    case 1:
                        try client.send("close\r\n")
                        try client.awaitEnd()
                    default:
                        try client.send("writeclose bye\r\n")
                        #expect(try client.readToEnd() == Data("bye\r\n".utf8))
                    }
                    client.close()
                }
                try eventually("every connection to be closed") {
                    let metrics = try Metrics.scrape(endpoint)
                    return metrics.sum("rr_tcp_connections") == 0 && metrics.sum("rr_tcp_events_total") == 71
                }
                let metrics = try Metrics.scrape(endpoint)
                #expect(metrics[#"rr_tcp_connections_accepted_total{server="main"}"#] == 10)
                #expect(metrics[#"rr_tcp_connections_closed_total{server="main",reason="client"}"#] == 4)
                #expect(metrics[#"rr_tcp_connections_closed_total{server="main",reason="worker"}"#] == 3)
                #expect(metrics[#"rr_tcp_connections_closed_total{server="main",reason="write_close"}"#] == 3)
                #expect(metrics.sum("rr_tcp_connections_closed_total") == 10)
                #expect(metrics[#"rr_tcp_events_total{server="main",event="CONNECTED"}"#] == 10)
                #expect(metrics[#"rr_tcp_events_total{server="main",event="DATA"}"#] == 51, "45 echoes and 6 orders")
                #expect(metrics[#"rr_tcp_events_total{server="main",event="CLOSE"}"#] == 10)
                let echoed = 45.0 * Double("packet 0\r\n".utf8.count)
                let orders = 3.0 * Double("close\r\n".utf8.count + "writeclose bye\r\n".utf8.count)
                #expect(metrics[#"rr_tcp_received_bytes_total{server="main"}"#] == echoed + orders)
                #expect(metrics[#"rr_tcp_sent_bytes_total{server="main"}"#] == echoed + 3 * 5)
                #expect(metrics["rr_tcp_request_wait_seconds_count"] == 71)
                #expect(metrics["rr_tcp_worker_time_seconds_count"] == 71)
                #expect(metrics["rr_tcp_requests_waiting"] == 0)
                #expect(metrics["rr_tcp_total_workers"] == 2 && metrics["rr_tcp_workers_ready"] == 2)
                for worker in rr.workers {
                    #expect(metrics[#"rr_tcp_worker_state{state="ready",pid="\#(worker)"}"#] == 0)
                    #expect(try #require(metrics[#"rr_tcp_worker_memory_bytes{pid="\#(worker)"}"#]) > 1_000_000)
                }
                #expect(metrics.sum("rr_tcp_worker_memory_bytes") == metrics["rr_tcp_workers_memory_bytes"])
                #expect(try #require(metrics["process_resident_memory_bytes"]) > 1_000_000)
                #expect(try #require(metrics["process_open_fds"]) > 5)
                #expect(abs(try #require(metrics["process_start_time_seconds"]) - Date().timeIntervalSince1970) < 600)
            }
        }

        @Test("Refusals and waits are counted")
        func waits() async throws {
            let endpoint = try Endpoint.free()
            try await withRR(self.settings(endpoint, workers: 1, pool: ["max_queue_size: 2"])) { rr in
                let hold = rr.gate()
                let busy = try rr.client()
                #expect(try busy.ask("hello") == "hello")
                let waiting = try rr.client()
                #expect(try waiting.ask("hello") == "hello")
                try busy.send("\(hold.order)\r\n")
                try eventually("the worker to have it") { try Metrics.scrape(endpoint)["rr_tcp_workers_working"] == 1 }
                try waiting.send("be patient\r\n")
                try eventually("one to wait") { try Metrics.scrape(endpoint)["rr_tcp_requests_waiting"] == 1 }
                try rr.client().awaitEnd()
                usleep(300_000)
                try hold.open()
                #expect(try busy.readLine() == "released")
                #expect(try waiting.readLine() == "be patient")
                let metrics = try Metrics.scrape(endpoint)
                #expect(metrics[#"rr_tcp_connections_closed_total{server="main",reason="refused"}"#] == 1)
                #expect(metrics[#"rr_tcp_connections{server="main"}"#] == 2)
                #expect(try #require(metrics["rr_tcp_request_wait_seconds_sum"]) >= 0.3)
                #expect(try #require(metrics["rr_tcp_worker_time_seconds_sum"]) >= 0.3)
            }
        }

        @Test("Read again and again under load it is well-formed each time, and counters only grow")
        func underLoad() async throws {
            let endpoint = try Endpoint.free()
            try await withRR(self.settings(endpoint, pool: ["max_jobs: 500"])) { rr in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    let isDone = rr.gate()
                    for _ in 0..<8 {
                        group.addTask {
                            var packets = 0
                            while access(isDone.path, F_OK) != 0 {
                                let client = try rr.client()
                                for _ in 0..<50 {
                                    guard try client.ask("packet") == "packet" else { throw TimeoutError("an answer") }
                                    packets += 1
                                }
                            }
                            return packets
                        }
                    }
                    var last: [String: Double] = [:]
                    for _ in 0..<1000 {
                        let counters = try Metrics.scrape(endpoint).counters
                        #expect(last.allSatisfy { counters[$0.key] ?? -1 >= $0.value })
                        last = counters
                    }
                    try isDone.open()
                    let packets = try await group.reduce(0, +)
                    let metrics = try Metrics.scrape(endpoint)
                    #expect(metrics[#"rr_tcp_events_total{server="main",event="DATA"}"#] == Double(packets))
                    #expect(try #require(metrics[#"rr_tcp_worker_restarts_total{reason="max_jobs"}"#]) >= 1)
                }
            }
        }

        @Test("Probes and metrics answer while the pool is saturated and thousands of connections are open")
        func saturated() async throws {
            let count = try raiseDescriptorLimit(for: 5000)
            #expect(count >= 1000, "the limit of open descriptors leaves too few for this test")
            let (metrics, status) = (try Endpoint.free(), try Endpoint.free())
            var settings = try self.settings(metrics, workers: 1)
            settings.more += "\nstatus: {address: \"\(status.address)\"}"
            try await withRR(settings) { rr in
                let hold = rr.gate()
                let busy = try rr.client()
                try busy.send("\(hold.order)\r\n")
                try rr.events.await("DATA", count: 1, of: busy)
                let clients = try (0..<count).map { _ in try rr.client() }
                try eventually("all to wait") {
                    try Metrics.scrape(metrics)["rr_tcp_requests_waiting"] == Double(count)
                }
                for _ in 0..<50 {
                    #expect(try HTTPAnswer.get("/ready", at: status, within: .seconds(10)).status == 200)
                    #expect(try HTTPAnswer.get("/health", at: status, within: .seconds(10)).status == 200)
                }
                #expect(try Metrics.scrape(metrics).sum("rr_tcp_connections") == Double(count + 1))
                try hold.open()
                for client in [busy] + clients {
                    client.close()
                }
                try eventually("every connection to be closed") {
                    try Metrics.scrape(metrics).sum("rr_tcp_connections") == 0
                }
            }
        }

        @Test("Servers that a reload adds and removes come and go")
        func reload() async throws {
            let endpoint = try Endpoint.free()
            var settings = try self.settings(endpoint)
            let rr = try RRProcess(settings)
            defer { rr.destroy() }
            try rr.awaitReady()
            let client = try rr.client("main")
            #expect(try client.ask("hello") == "hello")
            settings.servers = [try .init("second")]
            try rr.directory.write(settings.yaml(events: rr.events.path), to: ".rr.yaml")
            rr.process.send(signal: SIGHUP)
            try rr.log.await("the configuration was reloaded")
            let other = try Client(settings.servers[0].endpoint)
            #expect(try other.ask("hello") == "hello")
            let both = try Metrics.scrape(endpoint)
            #expect(both[#"rr_tcp_connections{server="main"}"#] == 1, "it is open still")
            #expect(both[#"rr_tcp_connections{server="second"}"#] == 1)
            client.close()
            try eventually("the first one to be gone") {
                try Metrics.scrape(endpoint)[#"rr_tcp_connections{server="main"}"#] == nil
            }
            try rr.stop()
        }

        @Test("promtool finds nothing wrong, neither with metrics nor with rules")
        func promtool() async throws {
            let endpoint = try Endpoint.free()
            let rules = try Command.run(
                ["/usr/bin/env", "promtool", "check", "rules", "\(Fixture.root)/deploy/prometheus/rr.rules.yaml"]
            )
            #expect(rules.exit == .code(0), "\(rules.output)\(rules.errors)")
            try await withRR(self.settings(endpoint)) { rr in
                #expect(try rr.client().ask("hello") == "hello")
                let text = try HTTPAnswer.get("/metrics", at: endpoint).body
                let file = try rr.directory.write(text, to: "metrics.txt")
                let result = try Command.run(["/bin/sh", "-c", "promtool check metrics < '\(file)'"])
                #expect(result.exit == .code(0) && result.errors.isEmpty, "\(result.output)\(result.errors)")
            }
        }

        @Test("The dashboard and the rules name only metrics that are there")
        func names() async throws {
            let endpoint = try Endpoint.free()
            let files = ["deploy/grafana/rr.json", "deploy/prometheus/rr.rules.yaml"]
            let texts = try files.map { try String(contentsOfFile: "\(Fixture.root)/\($0)", encoding: .utf8) }
            let dashboard = try JSONSerialization.jsonObject(with: Data(texts[0].utf8)) as? [String: Any]
            #expect((dashboard?["panels"] as? [Any] ?? []).count > 8)
            let kv = "kv: {main: {driver: memory, config: {}}}"
            // Some are there only where certificates are.
            let certificates = try Integration.TLS.certificates()
            defer { certificates.remove() }
            var settings = try self.settings(endpoint).withRPC(at: .free(), more: kv)
            settings.servers[0].options += Integration.TLS.lines(certificates)
            try await withRR(settings) { _ in
                let types = try Metrics.scrape(endpoint).types
                let metric = /\b(rr_(tcp|drain|rpc|kv|lock|application)|process)_[a-z_]+[a-z]/
                for text in texts {
                    let names = text.matches(of: metric).map { String($0.output.0) }
                    #expect(names.count > 8)
                    for name in names {
                        let family = name.replacing(/_(bucket|sum|count)$/, with: "")
                        #expect(types[name] != nil || types[family] == "histogram", "\(name)")
                    }
                }
            }
        }
    }
}
