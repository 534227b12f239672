import Foundation
import Testing

extension Integration {
    /// Packets that no delimiter ends, with their counters and lines of the log.
    @Suite struct Framing {
        private static func settings(_ metrics: Endpoint? = nil, data: String? = "echo") throws -> Settings {
            var settings = try Settings(
                .init("modbus", "framing: length", "length: {offset: 4, size: 2, add: 6}", "max_packet_size: 1KB"),
                .init("mqtt", "framing: length", "length: {type: varint, offset: 1}"),
                .init("hl7", "framing: split", #"start: "\x0B""#, #"delimiter: "\x1C\r""#),
                .init(
                    "gt06", "framing: rules",
                    #"rules: [{starts: "xx", length: {offset: 2, size: 1, add: 5}}, {starts: "$", size: 4}]"#),
                .init("raw", "framing: raw"),
                .init("smtp", "framing: split"),
                environment: data.map { ["WORKER_DATA": $0] } ?? [:]
            )
            if let metrics {
                settings.more = "metrics: {address: \"\(metrics.address)\"}"
            }
            return settings
        }

        private static func lengths(_ rr: RRProcess, _ client: Client) throws -> [Int?] {
            try rr.events.of(client).filter { $0.event == "DATA" }.map(\.length)
        }

        @Test("Sixteen packets in one read are sixteen events, and one in many reads is one")
        func packets() async throws {
            try await withRR(Self.settings()) { rr in
                let cases: [(String, Data)] = [
                    ("modbus", Data([0, 1, 0, 0, 0, 6, 1, 3, 13, 10, 0, 2])),
                    ("mqtt", Data([0x30, 0x82, 0x01]) + Data(repeating: 10, count: 130)),
                    ("hl7", Data([0x0B]) + Data("MSH|\r".utf8) + Data([0x1C, 0x0D])),
                    ("gt06", Data("xx".utf8) + Data([3, 1, 13, 10, 0, 1, 13, 10][..<6])),
                    ("gt06", Data("$\r\n$".utf8)),
                ]
                for (server, packet) in cases {
                    let client = try rr.client(server)
                    let all = Data(repeatElement(packet, count: 16).joined())
                    try client.send(all)
                    #expect(try client.read(all.count) == all)
                    #expect(try Self.lengths(rr, client) == Array(repeating: packet.count, count: 16), "\(server)")
                    for byte in packet {
                        try client.send(Data([byte]))
                    }
                    #expect(try client.read(packet.count) == packet)
                    #expect(try Self.lengths(rr, client).count == 17, "\(server)")
                }
            }
        }

        @Test("What is no packet closes the connection, is counted and told")
        func faults() async throws {
            let endpoint = try Endpoint.free()
            try await withRR(Self.settings(endpoint)) { rr in
                // An HTTP client on a binary port: decided from the header.
                let large = try rr.client("modbus")
                try large.send("GET / HTTP/1.1\r\n")
                try large.awaitEnd()
                var line = try rr.log.await("a packet is larger than max_packet_size")
                for part in ["modbus", large.localAddress, "12064", "47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a"] {
                    #expect(line.contains(part), "\(line)")
                }

                let malformed = try rr.client("gt06")
                try malformed.send("xy")
                try malformed.awaitEnd()
                line = try rr.log.await("a client sent what is no packet")
                for part in ["gt06", malformed.localAddress, "78 79"] {
                    #expect(line.contains(part), "\(line)")
                }

                let truncated = try rr.client("mqtt")
                try truncated.send(Data([0xC0, 0, 0x30, 5, 1]))
                #expect(try truncated.read(2) == Data([0xC0, 0]))
                try truncated.endSending()
                try truncated.awaitEnd()
                line = try rr.log.await("a client ended in the middle of a packet")
                for part in ["mqtt", truncated.localAddress, "30 05 01"] {
                    #expect(line.contains(part), "\(line)")
                }
                #expect(try rr.events.awaitClose(of: truncated) == ["CONNECTED", "DATA", "CLOSE"])

                let noisy = try rr.client("hl7")
                let packet = Data([0x0B, 65, 0x1C, 0x0D])
                try noisy.send(Data("noise".utf8) + packet)
                #expect(try noisy.read(packet.count) == packet)

                try eventually("all but one to be closed") {
                    try Metrics.scrape(endpoint).sum("rr_tcp_connections") == 1
                }
                let metrics = try Metrics.scrape(endpoint)
                let closed = "rr_tcp_connections_closed_total"
                #expect(metrics[#"\#(closed){server="modbus",reason="packet_too_large"}"#] == 1)
                #expect(metrics[#"\#(closed){server="gt06",reason="malformed"}"#] == 1)
                #expect(metrics[#"\#(closed){server="mqtt",reason="truncated"}"#] == 1)
                #expect(metrics[#"rr_tcp_skipped_bytes_total{server="hl7"}"#] == 5)
            }
        }

        @Test("An answer says how the next packet ends")
        func orders() async throws {
            try await withRR(Self.settings(data: nil)) { rr in
                let client = try rr.client("smtp")
                let order = "context WRITE;until=%0D%0A.%0D%0A 354\r\n"
                try client.send(order)
                #expect(try client.read(3).text == "354")
                let mail = "echo " + String(repeating: "line\r\n", count: 20_000) + ".\r\n"
                try client.send(mail)
                #expect(try client.read(mail.utf8.count).text == mail)
                #expect(try client.ask("then lines") == "then lines")
                #expect(try Self.lengths(rr, client) == [order.utf8.count, mail.utf8.count, 12])

                try client.send("context WRITE;nonsense=1;need=5 ok\r\n")
                #expect(try client.read(2).text == "ok")
                #expect(try rr.log.await("parameters of a worker's answer").contains("nonsense"))
                try client.send("1234")
                try client.send("5")
                #expect(try client.read(5).text == "12345")

                let raw = try rr.client("raw")
                try raw.send("context WRITE;keep=5 okmess")
                #expect(try raw.read(6).text == "okmess")
                try raw.send("ages")
                #expect(try raw.read(9).text == "kmessages")
            }
        }
    }
}
