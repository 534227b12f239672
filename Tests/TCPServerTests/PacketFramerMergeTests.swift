import NIOCore
import TestSupport
import Testing

@testable import TCPServer

/// `framing: merge`, RoadRunner's: all that was read, once it ends with the delimiter.
@Suite struct PacketFramerMergeTests {
    private func framing(_ delimiter: String = "\r\n", limit: Int = 1 << 20) -> PacketFraming {
        PacketFraming(mode: .merge, delimiter: Array(delimiter.utf8), maximumPacketSize: limit)
    }

    @Test func pipelinedPacketsAreOne() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "one\r\ntwo\r\n"))
        #expect(framer.packets(self.framing()) == ["one\r\ntwo\r\n"])
        #expect(framer.count == 0)
    }

    @Test func aPacketAndABitWaitForTheNextDelimiter() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "one\r\ntw"))
        #expect(framer.next(self.framing()) == .incomplete)
        framer.append(ByteBuffer(string: "o\r\n"))
        #expect(framer.packets(self.framing()) == ["one\r\ntwo\r\n"])
    }

    @Test(arguments: ["\n", "\r\n", "\r\n.\r\n", "END"])
    func aDelimiterSplitAtEveryPositionIsFound(_ delimiter: String) {
        let text = "packet" + delimiter
        for cut in 0...text.utf8.count {
            var framer = PacketFramer()
            framer.append(ByteBuffer(bytes: text.utf8.prefix(cut)))
            var packets = framer.packets(self.framing(delimiter))
            framer.append(ByteBuffer(bytes: text.utf8.dropFirst(cut)))
            packets += framer.packets(self.framing(delimiter))
            #expect(packets == [text], "cut at \(cut)")
        }
    }

    @Test func lessThanADelimiterIsNoPacket() {
        var framer = PacketFramer()
        #expect(framer.next(self.framing()) == .incomplete)
        framer.append(ByteBuffer(string: "\n"))
        #expect(framer.next(self.framing()) == .incomplete)
        #expect(framer.rest == "\n")
        #expect(framer.rest == nil)
    }

    @Test func overTheLimitAsManyPacketsGoAsOneMayHold() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "12\r\n34\r\n56\r\n7"))
        let framing = self.framing(limit: 10)
        #expect(framer.next(framing) == .packet(ByteBuffer(string: "12\r\n34\r\n")))
        #expect(framer.next(framing) == .incomplete)
        framer.append(ByteBuffer(string: "\r\n"))
        #expect(framer.packets(framing) == ["56\r\n7\r\n"])
    }

    @Test func aPacketOfTheLimitIsFineAndOneMoreIsNot() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "12345678\r\n"))
        #expect(framer.next(self.framing(limit: 10)) == .packet(ByteBuffer(string: "12345678\r\n")))
        framer.append(ByteBuffer(string: "123456789\r\n"))
        #expect(framer.next(self.framing(limit: 10)) == .tooLarge)
    }

    @Test func withoutADelimiterTheLimitIsNoticedAtOnce() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "1234567890"))
        #expect(framer.next(self.framing(limit: 10)) == .incomplete)
        framer.append(ByteBuffer(string: "1"))
        #expect(framer.next(self.framing(limit: 10)) == .tooLarge)
    }

    @Test func aLimitBelowTheDelimiterRefusesEverything() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "\r\n"))
        #expect(framer.next(self.framing(limit: 1)) == .tooLarge)
    }

    @Test func aLargePacketInSmallPieces() {
        let piece = ByteBuffer(repeating: UInt8(ascii: "\n"), count: 1024)
        var framer = PacketFramer()
        let framing = self.framing("x\n", limit: 64 << 20)
        for _ in 0..<8192 {
            framer.append(piece)
            #expect(framer.next(framing) == .incomplete)
        }
        framer.append(ByteBuffer(string: "x\n"))
        guard case .packet(let packet) = framer.next(framing) else {
            Issue.record("no packet")
            return
        }
        #expect(packet.readableBytes == 8192 * 1024 + 2)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func nothingIsLostAndEveryPacketEndsWithTheDelimiter(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            let delimiter = Array("ab".utf8.prefix(Int.random(in: 1...2, using: &random)))
            let framing = PacketFraming(mode: .merge, delimiter: delimiter, maximumPacketSize: 24)
            var framer = PacketFramer()
            var stream: [UInt8] = []
            var delivered: [UInt8] = []
            var isTooLarge = false
            while !isTooLarge, stream.count < 200 {
                let piece = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                    UInt8.random(in: 0x61...0x63, using: &random)
                }
                stream += piece
                framer.append(ByteBuffer(bytes: piece))
                switch Bool.random(using: &random) ? framer.next(framing) : .incomplete {
                case .incomplete:
                    break
                case .packet(let packet):
                    let bytes = Array(packet.readableBytesView)
                    #expect(bytes.suffix(delimiter.count) == delimiter[...])
                    #expect(bytes.count <= framing.maximumPacketSize)
                    delivered += bytes
                case .tooLarge, .malformed, .skipped:
                    isTooLarge = true
                    #expect(framer.count > framing.maximumPacketSize)
                }
            }
            delivered += framer.takeRest().map { Array($0.readableBytesView) } ?? []
            #expect(delivered == stream, "seed \(seed)")
        }
    }
}
