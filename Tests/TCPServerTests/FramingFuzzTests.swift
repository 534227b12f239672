import NIOCore
import TestSupport
import Testing

@testable import TCPServer

/// Any bytes, any rule: nothing traps, nothing waits for what cannot come, and pieces make no difference.
@Suite struct FramingFuzzTests {
    private static func rule(_ random: inout SeededGenerator, nested: Bool = false) -> PacketFraming.Rule {
        func text(_ counts: ClosedRange<Int>) -> [UInt8] {
            (0..<Int.random(in: counts, using: &random)).map { _ in UInt8.random(in: 0x30...0x33, using: &random) }
        }
        let offset = Int.random(in: 0...5, using: &random)
        let add = Bool.random(using: &random) ? Int.random(in: 0...12, using: &random) : nil
        let base: UInt8 = Bool.random(using: &random) ? 10 : 16
        switch Int.random(in: 0...(nested ? 5 : 9), using: &random) {
        case 0:
            let size = UInt8([1, 2, 3, 4, 8].randomElement(using: &random) ?? 1)
            return .length(
                LengthField(.binary(size: size, isLittleEndian: .random(using: &random)), offset: offset, add: add))
        case 1:
            let size = UInt8.random(in: 1...(base == 10 ? 20 : 16), using: &random)
            return .length(LengthField(.digits(size: size, base: base), offset: offset, add: add))
        case 2: return .length(LengthField(.digitsUntil(0x32, base: base), offset: offset, add: add))
        case 3: return .length(LengthField(.varint, offset: offset, add: add))
        case 4: return .fixed(Int.random(in: 5...20, using: &random))
        case 5:
            let start = Bool.random(using: &random) && !nested ? text(1...3) : nil
            let trailer = Int.random(in: 0...2, using: &random)
            return .marked(
                PacketMarks(.one(Delimiter(text(1...3))), start: start, trailer: trailer, searchFrom: nested ? 2 : 0))
        case 6: return .mergeAny(DelimiterSet((0...2).map { _ in text(1...3) }))
        case 7:
            // Of one length: none is the beginning of another, so that pieces make no difference.
            let count = Int.random(in: 1...3, using: &random)
            return .marked(PacketMarks(.any(DelimiterSet((0...3).map { _ in text(count...count) }))))
        case 8: return .need(Int.random(in: 1...9, using: &random))
        default:
            let entries = (0...2).map { _ in StartRules.Entry(starts: text(2...2), self.rule(&random, nested: true)) }
            return .starts(StartRules(entries + [.init(starts: [], .fixed(1))]))
        }
    }

    private static func stream(_ random: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 0...150, using: &random)).map { _ in
            Int.random(in: 0...3, using: &random) == 0
                ? [0, 1, 0x7F, 0x80, 0xFF, 0x0D, 0x0A].randomElement(using: &random) ?? 0
                : UInt8.random(in: 0x30...0x33, using: &random)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func piecesMakeNoDifference(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<1500 {
            let rule = Self.rule(&random)
            let stream = Self.stream(&random)
            let limit = Int.random(in: 1...60, using: &random)
            let whole = Cut([stream], rule, limit: limit)
            let packets = whole.packets.joined()
            #expect(packets.count + whole.skipped + whole.rest.count == stream.count, "seed \(seed), round \(round)")
            // What depends on the reads by its nature is only to be complete.
            let dependsOnReads =
                switch rule {
                case .mergeAny, .need, .raw: true
                default: false
                }
            for most in [1, 2, 9] {
                var pieces: [[UInt8]] = []
                var rest = stream[...]
                while !rest.isEmpty {
                    pieces.append(Array(rest.prefix(Int.random(in: 1...most, using: &random))))
                    rest = rest.dropFirst(pieces.last?.count ?? 0)
                }
                let cut = Cut(pieces, rule, limit: limit)
                if dependsOnReads {
                    if cut.end == .open {
                        #expect(Array(cut.packets.joined()) + cut.rest == stream, "seed \(seed), round \(round)")
                    }
                } else {
                    #expect(cut.packets == whole.packets, "seed \(seed), round \(round), \(rule)")
                    #expect(cut.skipped == whole.skipped, "seed \(seed), round \(round), \(rule)")
                    #expect(cut.end == whole.end, "seed \(seed), round \(round), \(rule)")
                }
            }
        }
    }

    /// Against a model that looks at all delimiters at each byte.
    @Test(arguments: [UInt64(1), 2, 3])
    func severalDelimitersAreFoundAsTheModelFindsThem(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<400 {
            let delimiters = (0...Int.random(in: 0...4, using: &random)).map { _ in
                (0..<Int.random(in: 1...4, using: &random)).map { _ in UInt8.random(in: 0x61...0x63, using: &random) }
            }
            let set = DelimiterSet(delimiters)
            let stream = (0..<120).map { _ in UInt8.random(in: 0x61...0x64, using: &random) }
            var progress = Delimiter.Progress()
            var start = 0
            var position = 0
            var ends: [Int] = []
            var expected: [Int] = []
            while position < stream.count {
                position += 1
                let packet = stream[start..<position]
                if delimiters.contains(where: { packet.suffix($0.count) == $0[...] }) {
                    expected.append(position)
                    start = position
                }
            }
            stream.withUnsafeBytes { bytes in
                while let end = set.firstEnd(in: bytes, &progress) {
                    ends.append(end.position)
                    #expect(
                        stream[..<end.position].suffix(delimiters[end.delimiter].count)
                            == delimiters[end.delimiter][...])
                }
            }
            #expect(ends == expected, "seed \(seed), round \(round), \(delimiters)")
            #expect(progress.position == stream.count)
        }
    }

    /// Bytes that come one by one, with what has no end: looking at all of them each time would take minutes.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            PacketFraming.Rule.marked(PacketMarks(.one(Delimiter([0x61, 0x62])), start: [0x61])),
            .marked(PacketMarks(.any(DelimiterSet([Array(repeating: 0x61, count: 200) + [0x62], [0x63]])))),
            .mergeAny(DelimiterSet([Array(repeating: 0x61, count: 200) + [0x62], [0x63]])),
            .length(LengthField(.binary(size: 4, isLittleEndian: false))),
            .starts(StartRules([.init(starts: [0x61], .marked(PacketMarks(.one(Delimiter([0x62])), searchFrom: 1)))])),
        ]
    )
    func singleBytesOfALargePacketAreLookedAtOnce(_ rule: PacketFraming.Rule) {
        let framing = PacketFraming(rule, maximumPacketSize: 0x7000_0000)
        var framer = PacketFramer()
        framer.append(ByteBuffer(repeating: 0x61, count: 4 << 20))
        #expect(framer.next(framing) == .incomplete)
        let byte = ByteBuffer(bytes: [0x61])
        for _ in 0..<100_000 {
            framer.append(byte)
            guard framer.next(framing) == .incomplete else {
                Issue.record("a packet")
                return
            }
        }
    }
}
