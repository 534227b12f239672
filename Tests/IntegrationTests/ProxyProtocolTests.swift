import Foundation
import TestSupport
import Testing

extension Integration {
    /// Balancers that name their clients in a PROXY header.
    @Suite struct ProxyProtocol {
        private struct Inspection: Decodable {
            struct Context: Decodable {
                struct Proxy: Decodable {
                    var peer: String
                    var uniqueID: String?

                    enum CodingKeys: String, CodingKey {
                        case peer
                        case uniqueID = "unique_id"
                    }
                }

                var remoteAddress: String
                var proxy: Proxy?

                enum CodingKeys: String, CodingKey {
                    case remoteAddress = "remote_addr"
                    case proxy
                }
            }

            let context: Context

            init(_ line: String) throws {
                struct Answer: Decodable { var context: String }
                let answer = try JSONDecoder().decode(Answer.self, from: Data(line.utf8))
                self.context = try JSONDecoder().decode(Context.self, from: Data(answer.context.utf8))
            }
        }

        private static let closed = "rr_tcp_connections_closed_total"

        /// Runs a balancer in the foreground until the body is through.
        private func withBalancer(
            _ arguments: [String], in directory: TemporaryDirectory, at endpoints: [Endpoint], _ body: () throws -> Void
        ) throws {
            let process = try ChildProcess(arguments, environment: [:], directory: directory.path)
            defer {
                process.send(signal: SIGKILL)
                _ = try? process.awaitExit()
            }
            for endpoint in endpoints {
                do {
                    _ = try awaitValue("a balancer at \(endpoint.address)") {
                        guard !process.hasExited else {
                            throw TimeoutError("a balancer, which has ended")
                        }
                        return (try? endpoint.connectedSocket()).map { close($0) }
                    }
                } catch {
                    Issue.record("\(process.standardError.text)\n\(process.standardOutput.text)")
                    throw error
                }
            }
            try body()
        }

        private func ask(_ endpoint: Endpoint) throws {
            let client = try Client(endpoint)
            let context = try Inspection(try client.ask("inspect")).context
            #expect(context.remoteAddress == client.localAddress)
            #expect(context.proxy?.peer.hasPrefix("127.0.0.1:") == true)
            #expect(context.proxy?.peer != client.localAddress)
            #expect(context.proxy?.uniqueID == (endpoint == self.withFields ? "id\"\(client.localAddress)" : nil))
        }

        private let withFields = try? Endpoint.free()

        @Test("Behind HAProxy and nginx the client is the client; a health check that sends nothing wakes no worker")
        func balancers() async throws {
            let metrics = try Endpoint.free()
            var settings = try Settings(
                .init("main", "framing: split", "proxy_protocol: {from: [127.0.0.0/8]}"),
                .init("probed", "framing: split", "proxy_protocol: {from: [127.0.0.0/8], versions: [2]}"),
                more: "metrics: {address: \"\(metrics.address)\"}\nlogs: {level: debug}"
            )
            settings.environment["WORKER_CONNECTED"] = "continue"
            let (first, second, third) = (try Endpoint.free(), try #require(self.withFields), try Endpoint.free())
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            try await withRR(settings) { rr in
                let (main, probed) = (try rr.endpoint("main").address, try rr.endpoint("probed").address)
                let haproxy = try directory.write(
                    """
                    defaults
                        mode tcp
                        timeout connect 20s
                        timeout client 60s
                        timeout server 60s
                    listen one
                        bind \(first.address)
                        server a \(main) send-proxy
                    listen two
                        bind \(second.address)
                        unique-id-format id\\\"%ci:%cp
                        server a \(main) send-proxy-v2 proxy-v2-options crc32c,unique-id
                    backend telling
                        server a \(probed) send-proxy-v2 check inter 50ms
                    """ + "\n", to: "haproxy.cfg")
                try self.withBalancer(["/usr/sbin/haproxy", "-db", "-f", haproxy], in: directory, at: [first, second]) {
                    try self.ask(first)
                    try self.ask(second)
                    for _ in 0..<3 {
                        try rr.client("main").close()
                    }
                    // HAProxy's checks have a header of its own, and are reset at once.
                    try eventually("health checks") {
                        let metrics = try Metrics.scrape(metrics)
                        return metrics[#"\#(Self.closed){server="main",reason="silent"}"#] ?? 0 >= 3
                            && metrics[#"rr_tcp_connections_accepted_total{server="probed"}"#] ?? 0 >= 3
                    }
                }
                let nginx = try directory.write(
                    """
                    daemon off; master_process off; pid nginx.pid; error_log stderr;
                    load_module /usr/lib/nginx/modules/ngx_stream_module.so;
                    events {}
                    stream {
                        server { listen \(third.address); proxy_pass \(main); proxy_protocol on; }
                    }
                    """ + "\n", to: "nginx.conf")
                let prefix = ["/usr/sbin/nginx", "-p", directory.path, "-e", "stderr", "-c", nginx]
                try self.withBalancer(prefix, in: directory, at: [third]) {
                    try self.ask(third)
                }
                // Those that tested whether a balancer is there, and three that have asked.
                let answered = try rr.events.all.filter { $0.server == "main" && $0.event == "DATA" }
                #expect(answered.count == 3)
                let refused = rr.log.all.filter { $0.contains("a connection is refused") }
                #expect(refused.count >= 3)
                #expect(refused.allSatisfy { $0.contains("silent") && $0.contains("DEBUG") }, "\(refused)")
                #expect(rr.log.all.allSatisfy { !$0.contains("ERROR") && !$0.contains("WARN") })
            }
        }

        @Test("A peer is trusted or not; a header is never guessed, and never waited for in vain")
        func peers() async throws {
            let metrics = try Endpoint.free()
            let settings = try Settings(
                .init("strict", "proxy_protocol: {from: [10.0.0.0/8]}"),
                .init("optional", "framing: split", "proxy_protocol: {from: [10.0.0.0/8], optional: true}"),
                .init("quick", "proxy_protocol: {from: [127.0.0.1], timeout: 100ms}"),
                .init("patient", "proxy_protocol: {from: [127.0.0.1], timeout: 1h}"),
                more: "metrics: {address: \"\(metrics.address)\"}\nlogs: {level: debug}"
            )
            try await withRR(settings) { rr in
                let line = "PROXY TCP4 192.0.2.1 192.0.2.2 51234 25"
                let optional = try rr.client("optional")
                #expect(try optional.ask(line) == line)
                #expect(try rr.events.of(optional).map(\.event) == ["CONNECTED", "DATA"])

                let stranger = try rr.client("strict")
                try stranger.awaitEnd()
                var told = try rr.log.await("a connection is refused", "proxy_untrusted")
                #expect(told.contains(stranger.localAddress) && told.contains("not in proxy_protocol.from"), "\(told)")
                let silent = try rr.client("quick")
                try silent.awaitEnd()
                try rr.log.await("a connection is refused", "proxy_timeout", silent.localAddress)
                let other = try rr.client("patient")
                try other.send("GET / HTTP/1.1\r\n")
                try other.awaitEnd()
                told = try rr.log.await("a connection is refused", "proxy_missing", other.localAddress)
                #expect(told.contains("47 45 54 20"), "\(told)")
                let bad = try rr.client("patient")
                try bad.send("PROXY TCP4 192.0.2.1 192.0.2.2 51234\r\n")
                try bad.awaitEnd()
                try rr.log.await("a connection is refused", "proxy_malformed", bad.localAddress)

                // Of the client's own bytes none is lost, whoever it is.
                let client = try rr.client("patient")
                for byte in "\(line)\r\nhello\r\n".utf8 {
                    try client.send(Data([byte]))
                }
                #expect(try client.readLine() == "hello")
                let events = try rr.events.of("192.0.2.1:51234").map(\.event)
                #expect(events == ["CONNECTED", "DATA"])

                let waiting = try rr.client("patient")
                try waiting.send("PROXY TCP4 ")
                try eventually("all to be counted") { try Metrics.scrape(metrics).sum("rr_tcp_connections") == 3 }
                let counts = try Metrics.scrape(metrics)
                for (server, reason) in [
                    ("strict", "proxy_untrusted"), ("quick", "proxy_timeout"), ("patient", "proxy_missing"),
                    ("patient", "proxy_malformed"),
                ] {
                    #expect(counts[#"\#(Self.closed){server="\#(server)",reason="\#(reason)"}"#] == 1, "\(reason)")
                }
                // One that is inside the edge holds nothing up.
                try rr.stop()
                try waiting.awaitEnd()
                let connected = try rr.events.all.filter { $0.event == "CONNECTED" }.map(\.remoteAddress)
                #expect(connected == [optional.localAddress, "192.0.2.1:51234"])
            }
        }
    }
}
