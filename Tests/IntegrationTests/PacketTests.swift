import Foundation
import Testing

extension Integration {
    /// From a stream of bytes to DATA events: docs/protocol.md, "Packets".
    @Suite struct Packets {
        /// What a server makes of what is sent in pieces.
        struct Case: CustomTestStringConvertible {
            var delimiter = #"\r\n"#
            var framing = "merge"
            var pieces: [String]
            /// The bodies of the DATA events.
            var packets: [String]

            var testDescription: String {
                "\(self.framing) \(self.delimiter) \(self.pieces)"
            }
        }

        private static let cases = [
            Case(pieces: ["split over two\r", "\n"], packets: ["split over two\r\n"]),
            Case(framing: "split", pieces: ["split over two\r", "\n"], packets: ["split over two\r\n"]),
            Case(pieces: ["x", "\r", "\n"], packets: ["x\r\n"]),
            Case(pieces: ["\r", "\n"], packets: ["\r\n"]),
            Case(pieces: ["\n", "\r\r", "\r\n"], packets: ["\n\r\r\r\n"]),
            // Merged is what ends with the delimiter, whatever is inside.
            Case(pieces: ["one\r\ntw", "o\r\n"], packets: ["one\r\ntwo\r\n"]),
            Case(framing: "split", pieces: ["one\r\ntw", "o\r\n3\r\n"], packets: ["one\r\n", "two\r\n", "3\r\n"]),
            Case(framing: "split", pieces: ["\r\n\r\n"], packets: ["\r\n", "\r\n"]),
            Case(delimiter: "\\n", pieces: ["a\n"], packets: ["a\n"]),
            Case(delimiter: "<END>", pieces: ["a <EN", "D", "> and b <END", ">"], packets: ["a <END> and b <END>"]),
            Case(
                delimiter: "<END>",
                framing: "split",
                pieces: ["text <EN", "D", "><END", ">"],
                packets: ["text <END>", "<END>"]
            ),
            // A delimiter that begins like itself.
            Case(delimiter: "aab", pieces: ["xaa", "aab"], packets: ["xaaaab"]),
            Case(delimiter: "aab", framing: "split", pieces: ["xaa", "aaba", "ab"], packets: ["xaaaab", "aab"]),
            Case(delimiter: #"\0\0"#, framing: "split", pieces: ["a\0", "\0b\0\0"], packets: ["a\0\0", "b\0\0"]),
            Case(delimiter: "ü", framing: "split", pieces: ["süß", " ü"], packets: ["sü", "ß ü"]),
        ]

        /// All cases with one `rr`, a server each.
        @Test("A delimiter is found however the bytes come")
        func delimiters() async throws {
            var settings = try Settings(environment: ["WORKER_DATA": "echo"])
            settings.servers = try Self.cases.enumerated().map { number, test in
                try .init("s\(number)", "delimiter: \"\(test.delimiter)\"", "framing: \(test.framing)")
            }
            try await withRR(settings) { rr in
                for (number, test) in Self.cases.enumerated() {
                    let client = try rr.client("s\(number)")
                    // Its answer shows that the connection is being read: each piece meets an open ear.
                    for (index, piece) in test.pieces.enumerated() {
                        usleep(index == 0 ? 0 : 20_000)
                        try client.send(piece)
                    }
                    let expected = test.packets.joined()
                    #expect(try client.read(expected.utf8.count).text == expected, "\(test.testDescription)")
                    let lengths = try rr.events.of(client).filter { $0.event == "DATA" }.map(\.length)
                    #expect(lengths == test.packets.map(\.utf8.count), "\(test.testDescription)")
                }
            }
        }

        @Test("Typing byte by byte")
        func typing() async throws {
            try await withRR(Settings()) { rr in
                let client = try rr.client()
                for line in ["hello", "write typed slowly", "x"] {
                    for byte in Data("\(line)\r\n".utf8) {
                        try client.send(Data([byte]))
                        usleep(2000)
                    }
                    #expect(try client.readLine() == line.replacing("write ", with: ""))
                }
                #expect(try rr.events.of(client).map(\.event) == ["CONNECTED", "DATA", "DATA", "DATA"])
            }
        }

        @Test("500 pipelined packets", arguments: ["merge", "split"])
        func pipelined(framing: String) async throws {
            let settings = try Settings(.init("main", "framing: \(framing)"), environment: ["WORKER_DATA": "echo"])
            try await withRR(settings) { rr in
                let client = try rr.client()
                let packets = (1...500).map { "packet \($0) \(String(repeating: "y", count: $0 % 97))\r\n" }
                try client.send(packets.joined())
                let all = Data(packets.joined().utf8)
                #expect(try client.read(all.count) == all)

                let data = try rr.events.of(client).filter { $0.event == "DATA" }
                #expect(data.compactMap(\.length).reduce(0, +) == all.count)
                #expect(data.allSatisfy { $0.tail?.hasSuffix("0d0a") == true }, "each ends with the delimiter")
                if framing == "split" {
                    #expect(data.map(\.length) == packets.map(\.utf8.count))
                }
            }
        }

        @Test("All 256 byte values come and go unchanged")
        func binary() async throws {
            try await withRR(Settings(environment: ["WORKER_DATA": "echo"])) { rr in
                let client = try rr.client()
                let packet = Data(0...255) + Data((0...255).reversed()) + Data("\r\n".utf8)
                try client.send(packet)
                #expect(try client.read(packet.count) == packet)
            }
        }

        @Test("Packets of 100 KB, 1 MB, 5 MB and 32 MB arrive to the byte", arguments: ["merge", "split"])
        func largePackets(framing: String) async throws {
            let settings = try Settings(.init("main", "framing: \(framing)"), environment: ["WORKER_DATA": "sha256"])
            try await withRR(settings) { rr in
                let client = try rr.client()
                for size in [100_000, 1_000_000, 5_000_000, 32_000_000] {
                    let packet = Payload.random(size)
                    try client.send(packet)
                    #expect(try client.readLine() == "\(size) \(try Payload.sha256(packet))")
                }
                #expect(try rr.events.of(client).count == 5, "a DATA each")
            }
        }

        @Test("An answer of 20 MB arrives to the byte, and the next one follows it")
        func largeAnswer() async throws {
            try await withRR(Settings()) { rr in
                let client = try rr.client()
                let size = 20_000_000
                try client.send("big \(size)\r\n")
                let answer = try client.read(size)
                #expect(try Payload.sha256(answer) == Payload.sha256(Payload.pattern(size)))
                #expect(try client.ask("next") == "next")
            }
        }

        @Test("A small read buffer cuts nothing", arguments: ["merge", "split"])
        func smallReadBuffer(framing: String) async throws {
            // Over 100 it means bytes.
            let server = try Settings.Server("main", "read_buf_size: 512", "framing: \(framing)")
            try await withRR(Settings(server, environment: ["WORKER_DATA": "sha256"])) { rr in
                let client = try rr.client()
                let packet = Payload.random(300_000)
                try client.send(packet)
                #expect(try client.readLine() == "300000 \(try Payload.sha256(packet))")
            }
        }

        @Test("Past max_packet_size a connection is closed, logged and gets its CLOSE; nobody else notices")
        func maxPacketSize() async throws {
            let server = try Settings.Server("main", "max_packet_size: 1")
            try await withRR(Settings(server)) { rr in
                let other = try rr.client()
                let sender = try rr.client()
                let exact = Payload.random(1 << 20)
                try other.send(exact)
                #expect(try other.read(exact.count) == exact, "what just fits is taken")

                let ending = Result { try sender.send(Data(repeating: UInt8(ascii: "z"), count: 3 << 20)) }
                if case .failure(let error) = ending {
                    // The server may be gone before all is sent.
                    #expect([EPIPE, ECONNRESET].contains((error as? SystemError)?.code))
                }
                try sender.awaitEnd()
                try rr.log.await("max_packet_size")
                #expect(try rr.events.awaitClose(of: sender) == ["CONNECTED", "CLOSE"])
                #expect(try other.ask("still here") == "still here")
            }
        }
    }
}
