import NIOCore
import TestSupport
import Testing

@testable import TCPServer

/// Compares the framer with a model that searches everything again each time, and limits the cost of a search.
@Suite struct DelimiterTests {
    /// Short ones, and one of each kind that is too long to be compared at once; letters that hardly differ.
    private static func delimiter(_ random: inout SeededGenerator) -> [UInt8] {
        let piece = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            UInt8.random(in: 0x61...0x62, using: &random)
        }
        switch Int.random(in: 0...3, using: &random) {
        case 0: return Array(repeatElement(piece, count: 30).joined().prefix(70)) + piece
        case 1: return Array(repeating: 0x61, count: 66) + piece
        default: return piece
        }
    }

    /// Mostly pieces of the delimiter, so that there are many beginnings and some ends.
    private static func stream(of delimiter: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        while stream.count < 400 {
            switch Int.random(in: 0...5, using: &random) {
            case 0: stream.append(UInt8.random(in: 0x61...0x63, using: &random))
            case 1: stream += delimiter.prefix(Int.random(in: 0...delimiter.count, using: &random))
            case 2: stream += delimiter.suffix(Int.random(in: 0...delimiter.count, using: &random))
            default: stream += delimiter
            }
        }
        return stream
    }

    private static func ends(_ bytes: [UInt8], with delimiter: [UInt8], at end: Int) -> Bool {
        end >= delimiter.count && bytes[(end - delimiter.count)..<end] == delimiter[...]
    }

    /// The expected result of ``PacketFramer/next(_:)``, computed as simply as possible.
    private static func expected(_ bytes: [UInt8], _ framing: PacketFraming) -> PacketFramer.Result {
        let (mode, delimiter) = framing.delimited
        let limit = framing.maximumPacketSize
        guard !bytes.isEmpty else {
            return .incomplete
        }
        let ends = (1...bytes.count).filter { Self.ends(bytes, with: delimiter, at: $0) }
        let end =
            switch mode {
            case .split: ends.first
            case .merge: bytes.count <= limit ? ends.last { $0 == bytes.count } : ends.last { $0 <= limit }
            }
        guard let end else {
            return bytes.count > limit ? .tooLarge : .incomplete
        }
        return end > limit ? .tooLarge : .packet(ByteBuffer(bytes: bytes[..<end]))
    }

    @Test(arguments: [FramingMode.merge, .split], [UInt64(1), 2, 3, 4])
    func anyStreamInAnyPiecesIsCutAsTheModelDoes(_ mode: FramingMode, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<150 {
            let delimiter = Self.delimiter(&random)
            let limit = Int.random(in: 1...3 * delimiter.count + 20, using: &random)
            let framing = PacketFraming(mode: mode, delimiter: delimiter, maximumPacketSize: limit)
            var pending = Self.stream(of: delimiter, &random)[...]
            var held: [UInt8] = []
            var framer = PacketFramer()
            while !pending.isEmpty {
                let piece = pending.prefix(Int.random(in: 1...90, using: &random))
                pending = pending.dropFirst(piece.count)
                framer.append(ByteBuffer(bytes: piece))
                held += piece
                // Sometimes packets wait, as they do while a worker is busy.
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    let result = framer.next(framing)
                    #expect(result == Self.expected(held, framing), "seed \(seed), round \(round)")
                    switch result {
                    case .incomplete:
                        break
                    case .packet(let packet):
                        held.removeFirst(packet.readableBytes)
                    case .tooLarge, .malformed, .skipped:
                        framer.removeAll()
                        held = []
                    }
                }
                #expect(framer.count == held.count)
            }
        }
    }

    /// A delimiter that the stream nearly holds at every byte: comparing it at each takes 1 MB times 8 MB, minutes.
    @Test(.timeLimit(.minutes(1)), arguments: [FramingMode.merge, .split])
    func aLongDelimiterIsFoundInLinearTime(_ mode: FramingMode) {
        var delimiter = [UInt8](repeating: 0x61, count: 1 << 20)
        delimiter[(1 << 20) - 2] = 0x62
        let framing = PacketFraming(mode: mode, delimiter: delimiter, maximumPacketSize: 16 << 20)
        var framer = PacketFramer()
        let read = ByteBuffer(repeating: 0x61, count: 1 << 20)
        for _ in 0..<8 {
            framer.append(read)
            #expect(framer.next(framing) == .incomplete)
        }
        framer.append(ByteBuffer(bytes: delimiter))
        guard case .packet(let packet) = framer.next(framing) else {
            Issue.record("no packet")
            return
        }
        #expect(packet.readableBytes == 9 << 20)
    }

    /// Bytes that come one by one, of a delimiter that they nearly are.
    @Test(.timeLimit(.minutes(1)), arguments: [FramingMode.merge, .split])
    func singleBytesCostNoMoreWithALongDelimiter(_ mode: FramingMode) {
        let delimiter = [UInt8](repeating: 0x61, count: 8 << 20) + [0x62]
        let framing = PacketFraming(mode: mode, delimiter: delimiter, maximumPacketSize: 16 << 20)
        var framer = PacketFramer()
        framer.append(ByteBuffer(repeating: 0x61, count: 8 << 20))
        #expect(framer.next(framing) == .incomplete)
        let byte = ByteBuffer(bytes: [0x61])
        for _ in 0..<200_000 {
            framer.append(byte)
            guard framer.next(framing) == .incomplete else {
                Issue.record("a packet")
                return
            }
        }
        framer.append(ByteBuffer(bytes: [0x62]))
        guard case .packet = framer.next(framing) else {
            Issue.record("no packet")
            return
        }
    }

    /// As much as a packet may have, without an end: nothing is looked at again when that is noticed.
    @Test(.timeLimit(.minutes(1)))
    func tooMuchWithoutADelimiterIsNotSearchedAgain() {
        let framing = PacketFraming(mode: .merge, delimiter: Array("\r\n".utf8), maximumPacketSize: 64 << 20)
        let read = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<16 {
            var framer = PacketFramer()
            for _ in 0..<64 {
                framer.append(read)
                #expect(framer.next(framing) == .incomplete)
            }
            framer.append(read)
            #expect(framer.next(framing) == .tooLarge)
        }
    }
}
