import NIOCore
import TestSupport
import Testing

@testable import TCPServer

/// Every protocol of the guide, however its bytes come.
@Suite struct FramingTests {
    private static func pieces(_ stream: [UInt8], _ random: inout SeededGenerator, most: Int) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = stream[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...most, using: &random))
            pieces.append(Array(piece))
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }

    @Test(arguments: FramingCase.all)
    func packetsAreCutWhereTheyEnd(_ test: FramingCase) {
        // Each packet twice in a row, and all of them sixteen times: several in one read.
        let packets = Array(repeatElement(test.packets.flatMap { [$0, $0] }, count: 16).joined())
        let stream = Array(packets.joined())
        #expect(Cut([stream], test.rule).packets == packets)
        #expect(Cut(stream.map { [$0] }, test.rule).packets == packets)
        #expect(Cut(packets, test.rule).packets == packets)
        var random = SeededGenerator(seed: 15)
        for most in [2, 3, 7, 20, 100, 1000] {
            #expect(Cut(Self.pieces(stream, &random, most: most), test.rule).packets == packets)
        }
    }

    @Test(arguments: FramingCase.all.filter { !$0.noise.isEmpty })
    func whatComesBeforeTheStartIsSkippedAndCounted(_ test: FramingCase) {
        let stream = test.packets.flatMap { test.noise + $0 }
        for pieces in [[stream], stream.map { [$0] }] {
            let cut = Cut(pieces, test.rule)
            #expect(cut.packets == test.packets)
            #expect(cut.skipped == test.packets.count * test.noise.count)
        }
        let noise = Cut([test.noise], test.rule)
        #expect(noise == Cut(test.noise.map { [$0] }, test.rule))
        #expect(noise.skipped + noise.rest.count == test.noise.count)
    }

    /// The end in the middle of a packet: nothing is cut too early, and nothing is lost.
    @Test(arguments: FramingCase.all)
    func halfAPacketIsLeft(_ test: FramingCase) throws {
        let packet = try #require(test.packets.first { $0.count > 1 })
        let other = try #require(test.packets.last)
        for count in 1..<packet.count {
            let half = Array(packet.prefix(count))
            for pieces in [[other + half], (other + half).map { [$0] }] {
                let cut = Cut(pieces, test.rule)
                #expect(cut.packets == [other])
                #expect(cut.rest == half, "\(count) bytes")
                #expect(cut.end == .open)
            }
        }
    }

    @Test(arguments: FramingCase.all)
    func theLimitIsForWholePackets(_ test: FramingCase) throws {
        guard let packet = test.packets.max(by: { $0.count < $1.count }), packet.count > 1 else { return }
        for pieces in [[packet], packet.map { [$0] }] {
            #expect(Cut(pieces, test.rule, limit: packet.count).packets == [packet])
            #expect(Cut(pieces, test.rule, limit: packet.count - 1).end == .tooLarge)
        }
    }

    // MARK: Headers that lie

    static let lies: [(PacketFraming.Rule, [UInt8], Cut.End)] = [
        // Zero, and shorter than itself.
        (.length(LengthField(.binary(size: 4, isLittleEndian: false), add: 0)), [0, 0, 0, 0], .malformed),
        (.length(LengthField(.binary(size: 4, isLittleEndian: false), add: 0)), [0, 0, 0, 3], .malformed),
        (.length(LengthField(.binary(size: 2, isLittleEndian: false), offset: 2, add: 0)), [3, 0, 0, 3], .malformed),
        (
            .length(LengthField(.binary(size: 1, isLittleEndian: false), offset: 9, add: 0)),
            Array(repeating: 9, count: 10), .malformed
        ),
        (.length(LengthField(.digits(size: 4, base: 10), add: 0)), Array("0003".utf8), .malformed),
        (.length(LengthField(.digitsUntil(0x3A, base: 10), add: 0)), Array("0:".utf8), .malformed),
        // The maximum of each width.
        (.length(LengthField(.binary(size: 3, isLittleEndian: true))), [255, 255, 255], .tooLarge),
        (.length(LengthField(.binary(size: 4, isLittleEndian: false))), [255, 255, 255, 255], .tooLarge),
        (.length(LengthField(.binary(size: 4, isLittleEndian: false))), Array("GET ".utf8), .tooLarge),
        (.length(LengthField(.binary(size: 8, isLittleEndian: false))), Array(repeating: 255, count: 8), .tooLarge),
        (
            .length(LengthField(.binary(size: 8, isLittleEndian: true), add: 1 << 30)), Array(repeating: 255, count: 8),
            .tooLarge
        ),
        (
            .length(LengthField(.binary(size: 8, isLittleEndian: false))), [0x7F] + Array(repeating: 255, count: 7),
            .tooLarge
        ),
        (.length(LengthField(.digits(size: 16, base: 16), add: 100)), Array("FFFFFFFFFFFFFFFF".utf8), .tooLarge),
        (.length(LengthField(.digits(size: 20, base: 10))), Array("99999999999999999999".utf8), .tooLarge),
        (.length(LengthField(.digits(size: 20, base: 10))), Array("18446744073709551615".utf8), .tooLarge),
        (.length(LengthField(.varint, offset: 1)), [0x30, 255, 255, 255, 127], .tooLarge),
        // What is no number, as soon as that is seen.
        (.length(LengthField(.varint)), [128, 128, 128, 128], .malformed),
        (.length(LengthField(.digits(size: 4, base: 10))), Array("G".utf8), .malformed),
        (.length(LengthField(.digits(size: 4, base: 10))), Array("00-".utf8), .malformed),
        (.length(LengthField(.digits(size: 4, base: 10))), Array("00A".utf8), .malformed),
        (.length(LengthField(.digits(size: 4, base: 16))), Array("00g".utf8), .malformed),
        (FramingCase.netstring, Array(":".utf8), .malformed),
        (FramingCase.netstring, Array(repeating: 0x30, count: 21), .malformed),
        (FramingCase.netstring, Array("99999999999999999999".utf8), .tooLarge),
        (FramingCase.netstring, Array("9999999999999999999:".utf8), .tooLarge),
        // No rule.
        (FramingCase.gt06, Array("G".utf8), .malformed),
        (FramingCase.gt06, [0x78, 0x79], .malformed),
        (FramingCase.gt06, [0x79, 0x79, 255, 255], .open),
        // Shorter than what it starts with.
        (
            .starts(
                StartRules([
                    .init(starts: [0, 0, 0], .length(LengthField(.binary(size: 1, isLittleEndian: false), add: 1)))
                ])), [0, 0, 0], .malformed
        ),
    ]

    @Test(arguments: lies)
    func headersThatLieAreNoticedAtOnce(_ rule: PacketFraming.Rule, _ bytes: [UInt8], _ end: Cut.End) {
        #expect(Cut([bytes], rule).end == end, "\(bytes)")
        #expect(Cut(bytes.map { [$0] }, rule).end == end, "\(bytes)")
        #expect(Cut([bytes + Array(repeating: 0x20, count: 100)], rule).end == end, "\(bytes)")
        if end != .open {
            // Nothing is noticed before the last byte is there.
            #expect(Cut([bytes.dropLast()], rule).end == .open, "\(bytes)")
        }
    }

    // MARK: Several delimiters

    private static func watch() -> PacketFraming.Rule {
        .marked(PacketMarks(.any(DelimiterSet(["#\r\n", "#", "\r\n"].map { Array($0.utf8) }))))
    }

    @Test func theLongestDelimiterThatIsThereEndsAPacket() {
        let cut = Cut([Array("a#\r\nb#c#\r\n\r\nd\r\n".utf8)], Self.watch())
        #expect(cut.packets.map { String(decoding: $0, as: UTF8.self) } == ["a#\r\n", "b#", "c#\r\n", "\r\n", "d\r\n"])
    }

    /// A device that ends with `#` waits for its answer: nothing is waited for, and what follows is skipped.
    @Test func aPacketDoesNotWaitForTheRestOfALongerDelimiter() {
        for pieces in [["a#", "\r\nb#\r", "\nc#"], ["a#", "\r", "\n", "b#", "\r", "\n", "c#"]] {
            let cut = Cut(pieces.map { Array($0.utf8) }, Self.watch())
            #expect(cut.packets.map { String(decoding: $0, as: UTF8.self) } == ["a#", "b#", "c#"])
            #expect(cut.skipped == 4)
        }
        let other = Cut([Array("a#".utf8), Array("\r".utf8), Array("x#".utf8)], Self.watch())
        #expect(other.packets.map { String(decoding: $0, as: UTF8.self) } == ["a#", "\rx#"])
    }

    @Test func mergeTakesAnyOfSeveral() {
        let rule = PacketFraming.Rule.mergeAny(DelimiterSet([[10], [59]]))
        #expect(Cut([Array("a;b\nc;".utf8)], rule).packets == [Array("a;b\nc;".utf8)])
        #expect(Cut([Array("a;b".utf8), [10]], rule).packets == [Array("a;b\n".utf8)])
        #expect(Cut([Array("a;bcdefgh".utf8)], rule, limit: 4).packets == [Array("a;".utf8)])
    }

    /// A stream that is joined in the middle comes into step.
    @Test func symmetricMarksAreFoundAgain() {
        let rule = PacketFraming.Rule.marked(PacketMarks(.one(Delimiter([0x7E])), start: [0x7E]))
        let stream: [UInt8] = [1, 0x7E, 0x7E, 2, 0x7E, 0x7E, 3, 0x7E]
        for pieces in [[stream], stream.map { [$0] }] {
            let cut = Cut(pieces, rule)
            #expect(cut.packets == [[0x7E, 2, 0x7E], [0x7E, 3, 0x7E]])
            #expect(cut.skipped == 2)
        }
    }

    @Test func rawTakesWhatIsThereUpToTheLimit() {
        #expect(Cut([[1, 2, 3], [4]], .raw).packets == [[1, 2, 3], [4]])
        #expect(Cut([[1, 2, 3, 4, 5]], .raw, limit: 2).packets == [[1, 2], [3, 4], [5]])
    }

    @Test func theLogIsToldTheLengthAndTheFirstBytes() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: x\r\n"))
        let framing = PacketFraming(
            .length(LengthField(.binary(size: 4, isLittleEndian: false))), maximumPacketSize: 99)
        #expect(framer.next(framing) == .tooLarge)
        let metadata = framer.evidence().metadata.mapValues { "\($0)" }
        #expect(metadata["length"] == "1195725856")
        #expect(metadata["received"] == "25")
        #expect(metadata["first_bytes"] == "47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a")
    }
}
