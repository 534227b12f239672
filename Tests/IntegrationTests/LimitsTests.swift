import Foundation
import Testing

extension Integration {
    /// Who may connect, and how many: refusals wake no worker, are counted, and are told once.
    @Suite struct Limits {
        private static let closed = "rr_tcp_connections_closed_total"

        /// A client that is let in.
        private static func served(_ rr: RRProcess, _ server: String, from source: String? = nil) throws -> Client {
            let client = try rr.client(server, from: source)
            #expect(try client.ask("hello") == "hello")
            return client
        }

        private static func expectRefused(
            _ rr: RRProcess, _ server: String, from source: String? = nil, location: SourceLocation = #_sourceLocation
        ) throws {
            let client = try rr.client(server, from: source)
            try client.awaitEnd()
            let events = try rr.events.of(client)
            #expect(events.isEmpty, "a worker has heard of it", sourceLocation: location)
        }

        @Test("Each limit refuses without a worker, by reason; a dry run only says so; a reload changes them")
        func refusals() async throws {
            let endpoint = try Endpoint.free()
            var settings = try Settings(
                .init("lists", "deny: [127.0.0.9]"),
                .init("few", "max_connections: 2", "on_limit: close"),
                .init("per-ip", "max_connections_per_ip: 1"),
                .init("rate", "accept_rate_per_ip: 2/h"),
                .init("dry", "limits_dry_run: true", "deny: 127.0.0.9", "max_connections: 1"),
                more: "metrics: {address: \"\(endpoint.address)\"}"
            )
            settings.tcp = ["allow: [127.0.0.0/28]"]
            try await withRR(settings) { rr in
                var kept = [try Self.served(rr, "lists"), try Self.served(rr, "lists", from: "127.0.0.15")]
                try Self.expectRefused(rr, "lists", from: "127.0.0.9")
                try Self.expectRefused(rr, "lists", from: "127.0.0.16")

                kept += [try Self.served(rr, "few"), try Self.served(rr, "few", from: "127.0.0.2")]
                try Self.expectRefused(rr, "few")
                kept.removeLast().close()
                try eventually("a place") {
                    let client = try rr.client("few")
                    try client.send("hello\r\n")
                    return (try? client.readLine()) == "hello"
                }

                for source in ["127.0.0.2", "127.0.0.3"] {
                    kept.append(try Self.served(rr, "per-ip", from: source))
                    try Self.expectRefused(rr, "per-ip", from: source)
                }

                for _ in 0..<2 {
                    try Self.served(rr, "rate", from: "127.0.0.2").close()
                }
                try Self.expectRefused(rr, "rate", from: "127.0.0.2")
                try Self.expectRefused(rr, "rate", from: "127.0.0.2")
                kept.append(try Self.served(rr, "rate", from: "127.0.0.3"))

                kept += [try Self.served(rr, "dry", from: "127.0.0.9"), try Self.served(rr, "dry")]

                var metrics = try Metrics.scrape(endpoint)
                let expected = [
                    (Self.closed, "lists", "denied", 2.0), (Self.closed, "per-ip", "max_connections_per_ip", 2),
                    (Self.closed, "rate", "accept_rate_per_ip", 2), (Self.closed, "dry", "denied", 0),
                    ("rr_tcp_limits_dry_run_total", "dry", "denied", 1),
                    ("rr_tcp_limits_dry_run_total", "dry", "max_connections", 1),
                ]
                for (name, server, reason, count) in expected {
                    let series = #"\#(name){server="\#(server)",reason="\#(reason)"}"#
                    #expect(metrics[series] == count, "\(series)")
                }
                #expect(try #require(metrics[#"\#(Self.closed){server="few",reason="max_connections"}"#]) >= 1)
                #expect(metrics[#"rr_tcp_connections{server="lists"}"#] == 2)
                for (server, reason) in [("lists", "denied"), ("rate", "accept_rate_per_ip")] {
                    let lines = rr.log.all.filter { $0.contains("clients are being refused") && $0.contains(server) }
                    #expect(lines.count == 1 && lines[0].contains(reason), "one line an episode: \(lines)")
                }
                #expect(rr.log.contains("clients would be refused (limits_dry_run)"))

                settings.tcp = []
                settings.servers[0].options = ["deny: [127.0.0.2]"]
                settings.servers[1].options = ["max_connections: 4", "on_limit: close"]
                settings.servers[2].options = []
                try rr.reload(settings)
                kept.append(try Self.served(rr, "lists", from: "127.0.0.16"))
                try Self.expectRefused(rr, "lists", from: "127.0.0.2")
                kept.append(try Self.served(rr, "few"))
                kept.append(try Self.served(rr, "per-ip", from: "127.0.0.2"))
                for client in kept {
                    #expect(try client.ask("as ever") == "as ever")
                    client.close()
                }
                try eventually("all to be closed") { try Metrics.scrape(endpoint).sum("rr_tcp_connections") == 0 }
                metrics = try Metrics.scrape(endpoint)
                #expect(metrics.sum(Self.closed) == metrics.sum("rr_tcp_connections_accepted_total"))
            }
        }

        @Test("Connections beyond max_connections and accept_rate wait for their turn")
        func waits() async throws {
            let endpoint = try Endpoint.free()
            var settings = try Settings(
                .init("few", "max_connections: 3"), .init("rate", "accept_rate: 2/h"),
                more: "metrics: {address: \"\(endpoint.address)\"}"
            )
            try await withRR(settings) { rr in
                // All at once: the first batch is bounded, too.
                var kept = try (0..<10).map { _ in try rr.client("few") }
                for client in kept {
                    try client.send("hello\r\n")
                }
                for client in kept.prefix(3) {
                    #expect(try client.readLine() == "hello")
                }
                for client in kept.suffix(7) {
                    client.close()
                }
                kept.removeLast(7)
                let waiting = try (0..<20).map { _ in try rr.client("few") }
                for client in waiting {
                    try client.send("patient\r\n")
                }
                let waits = "rr_tcp_accept_waits_total"
                try eventually("them to wait") {
                    try Metrics.scrape(endpoint)[#"\#(waits){server="few",reason="max_connections"}"#] == 1
                }
                #expect(try Metrics.scrape(endpoint)[#"rr_tcp_connections{server="few"}"#] == 3, "not one more")
                for client in waiting {
                    kept.removeFirst().close()
                    #expect(try client.readLine() == "patient")
                    kept.append(client)
                }

                let early = try (0..<2).map { _ in try Self.served(rr, "rate") }
                let late = try rr.client("rate")
                try late.send("late\r\n")
                try eventually("it to wait") {
                    try Metrics.scrape(endpoint)[#"\#(waits){server="rate",reason="accept_rate"}"#] == 1
                }
                #expect(late.isQuiet)
                let holding = #"rr_tcp_accept_waiting{server="rate",reason="accept_rate"}"#
                #expect(try Metrics.scrape(endpoint)[holding] == 1)
                settings.servers[1].options = []
                try rr.reload(settings)
                #expect(try late.readLine() == "late", "a reload frees it")
                #expect(try Metrics.scrape(endpoint)[holding] == 0)
                #expect(try early[0].ask("still") == "still")
                #expect(try Metrics.scrape(endpoint)[#"\#(Self.closed){server="rate",reason="accept_rate"}"#] == 0)
            }
        }

        @Test("Each timeout closes with its reason, in CLOSE and in the metrics; a rate of packets only waits")
        func timeouts() async throws {
            let endpoint = try Endpoint.free()
            var settings = try Settings(
                .init("idle", "idle_timeout: 400ms"),
                .init("first", "first_packet_timeout: 400ms"),
                .init("packet", "packet_timeout: 400ms", "framing: split"),
                .init("write", "write_timeout: 1s"),
                .init("life", "max_lifetime: 500ms"),
                .init("ping", #"ping: {interval: 200ms, data: "NOOP\r\n", misses: 2}"#),
                .init("keepalive", "keepalive: {idle: 77s, interval: 7s, count: 3}"),
                .init("pace", "packet_rate: 10/s", "packet_burst: 2", "framing: split"),
                more: "metrics: {address: \"\(endpoint.address)\"}"
            )
            settings.tcp = ["idle_timeout: 1h"]
            try await withRR(settings) { rr in
                let reasons = [
                    "idle": "idle_timeout", "first": "first_packet_timeout", "packet": "packet_timeout",
                    "write": "write_timeout", "life": "max_lifetime", "ping": "ping_timeout",
                ]
                var clients: [String: Client] = [:]
                for server in reasons.keys {
                    clients[server] = try rr.client(server, receiveBuffer: 4096)
                }
                for server in ["idle", "packet", "life", "ping"] {
                    #expect(try clients[server]?.ask("hello") == "hello")
                }
                try clients["packet"]?.send("half")
                try clients["write"]?.send("big 30000000\r\n")
                #expect(try clients["ping"]?.readLine() == "NOOP")
                #expect(try clients["ping"]?.readLine() == "NOOP")
                for (server, reason) in reasons {
                    let client = try #require(clients[server])
                    #expect(try rr.events.awaitClose(of: client).last == "CLOSE")
                    let entry = try rr.events.of(client).last
                    #expect(entry?.reason == reason, "\(server)")
                    try eventually("it to be counted") {
                        let series = #"\#(Self.closed){server="\#(server)",reason="\#(reason)"}"#
                        return try Metrics.scrape(endpoint)[series] == 1
                    }
                    if server != "write" {
                        try client.awaitEnd()
                    }
                }
                let paced = try rr.client("pace")
                let start = ContinuousClock.now
                try paced.send(String(repeating: "x\r\n", count: 8))
                for _ in 0..<8 {
                    #expect(try paced.readLine() == "x")
                }
                #expect(ContinuousClock.now - start >= .milliseconds(590), "two at once, six at ten a second")

                // A reload holds for new connections.
                let old = try Self.served(rr, "keepalive")
                settings.servers[6].options = ["idle_timeout: 300ms"]
                try rr.reload(settings)
                let new = try Self.served(rr, "keepalive")
                #expect(try rr.events.awaitClose(of: new).last == "CLOSE")
                #expect(try rr.events.of(new).last?.reason == "idle_timeout")
                #expect(try old.ask("still") == "still")
            }
        }

        @Test("Slow clients, one that opens without a pause, and those that never read harm no other")
        func attack() async throws {
            let count = try raiseDescriptorLimit(for: 1000)
            let endpoint = try Endpoint.free()
            let settings = try Settings(
                .init(
                    "main", "max_connections_per_ip: 5", "accept_rate_per_ip: 5/h", "packet_timeout: 1s",
                    "write_timeout: 2s", "framing: split"),
                more: "metrics: {address: \"\(endpoint.address)\"}"
            )
            try await withRR(settings) { rr in
                let good = try Self.served(rr, "main", from: "127.0.1.1")
                let slow = try (0..<min(500, count / 2)).map { number in
                    try rr.client("main", from: "127.0.2.\(number / 5 + 1)")
                }
                for client in slow {
                    try client.send("never whole")
                }
                let deaf = try (0..<10).map { number in
                    try rr.client("main", receiveBuffer: 4096, from: "127.0.3.\(number / 5 + 1)")
                }
                for client in deaf {
                    try client.send("big 20000000\r\n")
                }
                try eventually("the events of those let in") { try rr.events.count("DATA") == 1 + deaf.count }
                let before = try rr.events.count("CONNECTED")
                let attempts = 2000
                for number in 0..<attempts {
                    try rr.client("main", from: "127.0.4.1").close()
                    if number % 100 == 0 {
                        #expect(try good.ask("hello") == "hello")
                    }
                }
                func closed(_ reason: String) throws -> Double {
                    try Metrics.scrape(endpoint)[#"\#(Self.closed){server="main",reason="\#(reason)"}"#] ?? 0
                }
                try eventually("every attempt to be counted") {
                    try closed("max_connections_per_ip") + closed("accept_rate_per_ip") == Double(attempts - 5)
                }
                try eventually("five to be let in") { try rr.events.count("CONNECTED") == before + 5 }
                try eventually("slow clients to be closed") { try closed("packet_timeout") == Double(slow.count) }
                try eventually("deaf clients to be closed") { try closed("write_timeout") == Double(deaf.count) }
                #expect(rr.log.count(of: "clients are being refused") <= 2)
                #expect(try good.ask("as ever") == "as ever")
                #expect(try rr.events.count("CONNECTED") == before + 5, "no worker was woken")
            }
        }

        @Test("The access log has the end of each connection, and each client refused as fail2ban reads it")
        func accessLog() async throws {
            for format in ["console", "json"] {
                var settings = try Settings(
                    .init("all", "access_log: {level: info}", "idle_timeout: 300ms", "deny: [127.0.0.9]"),
                    .init("empty", "access_log: {level: warning, empty: true}"),
                    .init("slow", "access_log: {level: info, sample: 0, slow: 200ms}"),
                    more: "logs: {mode: production, encoding: \(format), level: info}"
                )
                settings.workers = 1
                try await withRR(settings) { rr in
                    func line(_ client: Client) throws -> String {
                        try rr.log.await("connection ended", client.localAddress)
                    }
                    let idle = try rr.client("all")
                    #expect(try idle.ask("hello") == "hello")
                    var text = try line(idle)
                    let parts =
                        format == "json"
                        ? [#""end":"timeout/idle""#, #""packets":"1""#, #""received":"7""#, #""sent":"7""#]
                        : ["end=timeout/idle", "packets=1", "received=7", "sent=7", "reason=idle_timeout"]
                    for part in parts {
                        #expect(text.contains(part), "\(part): \(text)")
                    }
                    let probe = try rr.client("all")
                    probe.close()
                    let shown = try rr.client("empty")
                    shown.close()
                    text = try line(shown)
                    #expect(text.contains("client/"), "\(text)")
                    let quick = try rr.client("slow")
                    #expect(try quick.ask("hello") == "hello")
                    quick.close()
                    let slow = try rr.client("slow")
                    #expect(try slow.ask("sleep 250") == "slept")
                    slow.close()
                    text = try line(slow)
                    #expect(text.contains("worker_max_ms"), "\(text)")
                    for other in [quick, probe] {
                        #expect(!rr.log.contains(other.localAddress))
                    }

                    try rr.client("all", from: "127.0.0.9").awaitEnd()
                    let refused = try rr.log.await("client refused")
                    #expect(try Self.bannedAddresses(in: [refused]) == ["127.0.0.9"], "\(refused)")
                    #expect(try Self.bannedAddresses(in: rr.log.all) == ["127.0.0.9"], "no other line")
                }
            }
        }

        /// What fail2ban finds with the filter of `deploy/fail2ban`.
        private static func bannedAddresses(in lines: [String]) throws -> [String] {
            let filter = try String(
                contentsOfFile: "\(Fixture.root)/deploy/fail2ban/filter.d/rr.conf", encoding: .utf8)
            let start = try #require(filter.range(of: "failregex = ")?.upperBound)
            let end = try #require(filter.range(of: "\nignoreregex")?.lowerBound)
            let patterns = filter[start..<end].split(separator: "\n").map { line in
                line.trimmingCharacters(in: .whitespaces).replacing("<HOST>", with: "([0-9a-f.:]+)")
            }
            #expect(patterns.count == 2)
            return try lines.flatMap { line in
                try patterns.compactMap { pattern in
                    let regex = try NSRegularExpression(pattern: pattern)
                    let match = regex.firstMatch(in: line, range: NSRange(line.startIndex..., in: line))
                    return match.flatMap { Range($0.range(at: 1), in: line) }.map { String(line[$0]) }
                }
            }
        }
    }
}
