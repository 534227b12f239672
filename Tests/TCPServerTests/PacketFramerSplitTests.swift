import NIOCore
import TestSupport
import Testing

@testable import TCPServer

/// `framing: split`: one packet for each delimiter.
@Suite struct PacketFramerSplitTests {
    private func framing(_ delimiter: String = "\r\n", limit: Int = 1 << 20) -> PacketFraming {
        PacketFraming(mode: .split, delimiter: Array(delimiter.utf8), maximumPacketSize: limit)
    }

    @Test func eachPacketKeepsItsDelimiter() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "one\r\ntwo\r\n\r\nrest"))
        let framing = self.framing()
        #expect(framer.packets(framing) == ["one\r\n", "two\r\n", "\r\n"])
        #expect(framer.count == 4)
        #expect(framer.rest == "rest")
        #expect(framer.count == 0)
        #expect(framer.next(framing) == .none)
    }

    @Test(arguments: ["\n", "\r\n", "\r\n.\r\n", "aab", "\0\0"])
    func aDelimiterSplitAtEveryPositionIsFound(_ delimiter: String) {
        let text = "first" + delimiter + "x" + delimiter
        for cut in 0...text.utf8.count {
            var framer = PacketFramer()
            framer.append(ByteBuffer(bytes: text.utf8.prefix(cut)))
            var packets = framer.packets(self.framing(delimiter))
            framer.append(ByteBuffer(bytes: text.utf8.dropFirst(cut)))
            packets += framer.packets(self.framing(delimiter))
            #expect(packets == ["first" + delimiter, "x" + delimiter], "cut at \(cut)")
        }
    }

    @Test func bytesThatLookLikeTheBeginningOfADelimiterAreNone() {
        var framer = PacketFramer()
        for byte in "\r\r\r\n\n\r\n".utf8 {
            framer.append(ByteBuffer(bytes: [byte]))
        }
        #expect(framer.packets(self.framing()) == ["\r\r\r\n", "\n\r\n"])
    }

    @Test func overlappingDelimitersAreTakenFromTheLeft() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "aaaaa"))
        #expect(framer.packets(self.framing("aa")) == ["aa", "aa"])
        #expect(framer.rest == "a")
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
        #expect(framer.next(self.framing(limit: 10)) == .none)
        framer.append(ByteBuffer(string: "1"))
        #expect(framer.next(self.framing(limit: 10)) == .tooLarge)
        framer.removeAll()
        #expect(framer.count == 0)
        #expect(framer.next(self.framing(limit: 10)) == .none)
    }

    @Test func packetsBeforeOneThatIsTooLargeAreStillServed() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "ok\r\n12345678901\r\n"))
        let framing = self.framing(limit: 10)
        #expect(framer.next(framing) == .packet(ByteBuffer(string: "ok\r\n")))
        #expect(framer.next(framing) == .tooLarge)
    }

    /// A megabyte that comes in pieces is looked at once: a framer that begins anew each time would take minutes.
    @Test func aLargePacketInSmallPieces() {
        let piece = ByteBuffer(repeating: UInt8(ascii: "\n"), count: 1024)
        var framer = PacketFramer()
        let framing = self.framing("x\n", limit: 64 << 20)
        for _ in 0..<8192 {
            framer.append(piece)
            #expect(framer.next(framing) == .none)
        }
        framer.append(ByteBuffer(string: "x"))
        #expect(framer.next(framing) == .none)
        framer.append(ByteBuffer(string: "\n"))
        guard case .packet(let packet) = framer.next(framing) else {
            Issue.record("no packet")
            return
        }
        #expect(packet.readableBytes == 8192 * 1024 + 2)
        #expect(framer.count == 0)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func anyStreamInAnyPiecesIsSplitTheSameWay(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            let delimiter = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                UInt8.random(in: 0x61...0x63, using: &random)
            }
            let stream = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0x61...0x64, using: &random)
            }
            let framing = PacketFraming(mode: .split, delimiter: delimiter, maximumPacketSize: 1000)
            var framer = PacketFramer()
            var packets: [[UInt8]] = []
            var pending = stream[...]
            while !pending.isEmpty {
                let piece = pending.prefix(Int.random(in: 1...20, using: &random))
                pending = pending.dropFirst(piece.count)
                framer.append(ByteBuffer(bytes: piece))
                // Sometimes the packets wait, as they do while a worker is busy.
                if Bool.random(using: &random), case .packet(let packet) = framer.next(framing) {
                    packets.append(Array(packet.readableBytesView))
                }
                if Bool.random(using: &random) {
                    framer.compact()
                }
            }
            while case .packet(let packet) = framer.next(framing) {
                packets.append(Array(packet.readableBytesView))
            }
            let rest = framer.takeRest().map { Array($0.readableBytesView) } ?? []
            #expect((packets, rest) == Self.split(stream, by: delimiter), "seed \(seed)")
        }
    }

    private static func split(_ stream: [UInt8], by delimiter: [UInt8]) -> ([[UInt8]], [UInt8]) {
        var packets: [[UInt8]] = []
        var current: [UInt8] = []
        for byte in stream {
            current.append(byte)
            if current.suffix(delimiter.count) == delimiter[...] {
                packets.append(current)
                current = []
            }
        }
        return (packets, current)
    }
}

extension PacketFramer {
    /// Every packet that is whole.
    mutating func packets(_ framing: PacketFraming) -> [String] {
        var packets: [String] = []
        while case .packet(let packet) = self.next(framing) {
            packets.append(String(buffer: packet))
        }
        return packets
    }

    var rest: String? {
        mutating get { self.takeRest().map { String(buffer: $0) } }
    }
}
