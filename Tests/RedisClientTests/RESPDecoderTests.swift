import NIOCore
import TestSupport
import Testing

@testable import RedisClient

@Suite struct RESPDecoderTests {
    private func bulk(_ text: String) -> RESPValue { .bulk(ByteBuffer(string: text)) }

    private func decode(_ text: String, limits: RESPDecoder.Limits = .init()) throws -> [RESPValue] {
        var decoder = RESPDecoder(limits: limits)
        decoder.append(ByteBuffer(string: text))
        var values: [RESPValue] = []
        while let value = try decoder.next() { values.append(value) }
        return values
    }

    @Test func everyKind() throws {
        let cases: [(String, RESPValue)] = [
            ("+OK\r\n", .text("OK")), ("-ERR no\r\n", .error("ERR no")), (":-12\r\n", .integer(-12)),
            (":9223372036854775807\r\n", .integer(.max)), ("$3\r\na\r\n\r\n", self.bulk("a\r\n")),
            ("$0\r\n\r\n", self.bulk("")), ("$-1\r\n", .null), ("*-1\r\n", .null), ("*0\r\n", .array([])),
            ("*2\r\n:1\r\n*1\r\n+a\r\n", .array([.integer(1), .array([.text("a")])])),
            // RESP3
            ("_\r\n", .null), ("#t\r\n", .integer(1)), ("#f\r\n", .integer(0)), (",1.5\r\n", .text("1.5")),
            ("(34928\r\n", .text("34928")), ("!5\r\nERR x\r\n", .error("ERR x")),
            ("=6\r\ntxt:ab\r\n", self.bulk("ab")), ("=4\r\ntxt:\r\n", self.bulk("")),
            ("%1\r\n+a\r\n:1\r\n", .array([.text("a"), .integer(1)])), ("~1\r\n:1\r\n", .array([.integer(1)])),
            (">2\r\n+message\r\n+x\r\n", .push([.text("message"), .text("x")])),
            ("|1\r\n+ttl\r\n:3\r\n*1\r\n|0\r\n:1\r\n", .array([.integer(1)])), ("%0\r\n", .array([])),
        ]
        for (text, value) in cases {
            #expect(try self.decode(text) == [value], "\(text)")
        }
        // All in one stream, byte by byte.
        var decoder = RESPDecoder()
        var values: [RESPValue] = []
        for byte in cases.flatMap({ Array($0.0.utf8) }) {
            decoder.append(ByteBuffer(bytes: [byte]))
            while let value = try decoder.next() { values.append(value) }
        }
        #expect(values == cases.map(\.1))
    }

    @Test(arguments: [
        "x\r\n", ":\r\n", ":1a\r\n", ":9223372036854775808\r\n", "$x\r\n", "$-2\r\n", "$1\r\nab\r\n", "*-2\r\n",
        "*?\r\n", "$?\r\n", "=3\r\ntxt\r\n", "#x\r\n", "+a\rb\r\n", "!-1\r\n", "%-2\r\n", "\r\n",
    ])
    func nonsenseIsRefused(text: String) {
        #expect(throws: RESPFault.self) { try self.decode(text) }
    }

    @Test func afterAFaultItThrowsForEver() throws {
        var decoder = RESPDecoder()
        decoder.append(ByteBuffer(string: "+a\r\nx\r\n+b\r\n"))
        #expect(try decoder.next() == .text("a"))
        #expect(throws: RESPFault.self) { try decoder.next() }
        decoder.append(ByteBuffer(string: "+c\r\n"))
        #expect(throws: RESPFault.self) { try decoder.next() }
    }

    @Test func limitsHoldBeforeTheBytesAreThere() throws {
        var limits = RESPDecoder.Limits()
        limits.reply = 1000
        limits.line = 100
        limits.depth = 3
        #expect(try self.decode("$900\r\n", limits: limits).isEmpty)
        for text in [
            "$1000\r\n", "*1000\r\n", "%20\r\n", "+" + String(repeating: "a", count: 100), "$9999999999999\r\n",
            "*2\r\n$600\r\n" + String(repeating: "a", count: 600) + "\r\n$400\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n",
            "*9223372036854775807\r\n", "%9223372036854775807\r\n", "$9223372036854775807\r\n",
            "*31\r\n" + String(repeating: "_\r\n", count: 31),
        ] {
            #expect(throws: RESPFault.self, "\(text)") { try self.decode(text, limits: limits) }
        }
        // Each reply has the whole limit.
        let reply = "$800\r\n" + String(repeating: "a", count: 800) + "\r\n"
        #expect(try self.decode(reply + reply, limits: limits).count == 2)
    }

    @Test func anAnnouncedLengthReservesLittle() throws {
        var decoder = RESPDecoder()
        decoder.append(ByteBuffer(string: "$500000000\r\n"))
        #expect(try decoder.next() == nil)
        decoder.append(ByteBuffer(string: "a"))
        #expect(try decoder.next() == nil)
        #expect(decoder.capacity <= 4 << 20)
    }
}

/// Arbitrary bytes must never cause a trap, a loop, or more memory than the bytes received and one reservation.
@Suite struct RESPFuzzTests {
    private func value(_ random: inout SeededGenerator, depth: Int = 0) -> String {
        switch random.pick(0...(depth < 3 ? 12 : 8)) {
        case 0: return "+\(random.pick(0...9999))\r\n"
        case 1: return "-ERR \(random.pick(0...99))\r\n"
        case 2: return ":\(Int64(truncatingIfNeeded: random.next()))\r\n"
        case 3: return "_\r\n"
        case 4: return "$-1\r\n"
        case 5: return "#t\r\n,1.5\r\n"
        case 6: return "=7\r\ntxt:abc\r\n"
        case 7, 8:
            let count = random.pick(0...40)
            return "$\(count)\r\n" + String(repeating: "\r", count: count) + "\r\n"
        default:
            let count = random.pick(0...4)
            let kind = ["*", "~", ">"][random.pick(0...2)]
            return "\(kind)\(count)\r\n"
                + (0..<count).map { _ in self.value(&random, depth: depth + 1) }.joined()
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func mutatedStreams(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let special = Array("*$+-:_#,(!=%~>|?\r\n0123456789".utf8)
        for round in 0..<5000 {
            var stream = (0..<4).flatMap { _ in Array(self.value(&random).utf8) }
            for _ in 0..<random.pick(0...4) { random.mutate(&stream, special: special) }
            var limits = RESPDecoder.Limits()
            limits.reply = 4000
            limits.depth = 5
            var decoder = RESPDecoder(limits: limits)
            var rest = stream[...]
            var values = 0
            while !rest.isEmpty {
                let piece = rest.prefix(random.pick(1...97))
                rest = rest.dropFirst(piece.count)
                decoder.append(ByteBuffer(bytes: piece))
                do {
                    while try decoder.next() != nil { values += 1 }
                } catch {
                    #expect(throws: error) { try decoder.next() }
                    break
                }
                #expect(decoder.capacity <= 4 * (stream.count + limits.reply), "seed \(seed), round \(round)")
            }
            #expect(values <= stream.count / 3, "seed \(seed), round \(round)")
        }
    }

    /// However a stream is cut, the same replies come out.
    @Test(arguments: [UInt64(11), 12])
    func piecesDoNotMatter(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let stream = (0..<6).map { _ in self.value(&random) }.joined()
            var whole = RESPDecoder()
            whole.append(ByteBuffer(string: stream))
            var pieces = RESPDecoder()
            var expected: [RESPValue] = []
            while let value = try whole.next() { expected.append(value) }
            var found: [RESPValue] = []
            var rest = Array(stream.utf8)[...]
            while !rest.isEmpty {
                let piece = rest.prefix(random.pick(1...20))
                rest = rest.dropFirst(piece.count)
                pieces.append(ByteBuffer(bytes: piece))
                while let value = try pieces.next() { found.append(value) }
            }
            #expect(found == expected)
        }
    }
}
