import NIOCore
import Testing

@testable import TCPServer

@Suite struct PacketFramerMemoryTests {
    private let framing = PacketFraming(mode: .split, delimiter: [UInt8(ascii: "\n")], maximumPacketSize: 1 << 20)

    @Test func compactingKeepsNoMoreThanWhatWaits() {
        var framer = PacketFramer()
        var read = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 16)
        read.setInteger(UInt8(ascii: "\n"), at: 65000)
        framer.append(read)
        #expect(framer.next(self.framing) == .packet(read.getSlice(at: 0, length: 65001) ?? ByteBuffer()))
        #expect(framer.count == 535)
        framer.compact()
        framer.append(ByteBuffer(string: "\n"))
        guard case .packet(let packet) = framer.next(self.framing) else {
            Issue.record("no packet")
            return
        }
        #expect(String(buffer: packet) == String(repeating: "x", count: 535) + "\n")
        #expect(packet.storageCapacity <= 4096)
    }

    @Test func compactingDoesNotForgetWhatWasScanned() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "abc"))
        #expect(framer.next(self.framing) == .incomplete)
        framer.compact()
        framer.append(ByteBuffer(string: "def\ng\n"))
        #expect(framer.packets(self.framing) == ["abcdef\n", "g\n"])
    }

    @Test func compactingAnEmptyOneIsFine() {
        var framer = PacketFramer()
        framer.compact()
        framer.append(ByteBuffer(string: "a\n"))
        #expect(framer.packets(self.framing) == ["a\n"])
        framer.compact()
        #expect(framer.count == 0)
    }

    /// A client whose reads never end where a packet ends.
    @Test func memoryDoesNotGrowWithThePacketsOfThePast() {
        let stream = ByteBuffer(string: String(repeating: "56789\n01234", count: 1000))
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "01234"))
        for _ in 0..<200 {
            framer.append(stream)
            #expect(framer.packets(self.framing).count == 1000)
            #expect(framer.count == 5)
        }
        framer.append(ByteBuffer(string: "\n"))
        guard case .packet(let packet) = framer.next(self.framing) else {
            Issue.record("no packet")
            return
        }
        #expect(packet.storageCapacity <= 8 * stream.readableBytes)
    }

    @Test func aPacketDoesNotChangeWhenMoreComes() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: "one\ntwo"))
        let first = framer.next(self.framing)
        framer.append(ByteBuffer(string: "xxxxxxxxxxxxxxxxxxxx\n"))
        _ = framer.packets(self.framing)
        #expect(first == .packet(ByteBuffer(string: "one\n")))
    }

    /// Otherwise all remaining bytes would be copied for each further packet of a client.
    @Test func aSmallPacketDoesNotShareTheMemoryOfMuchThatIsLeft() {
        var framer = PacketFramer()
        framer.append(ByteBuffer(string: String(repeating: "123456789\n", count: 100_000)))
        for _ in 0..<3 {
            guard case .packet(let packet) = framer.next(self.framing) else {
                Issue.record("no packet")
                return
            }
            #expect(String(buffer: packet) == "123456789\n")
            #expect(packet.storageCapacity < 1024)
        }
        #expect(framer.count == 999_970)
        #expect(framer.packets(self.framing).allSatisfy { $0 == "123456789\n" })
    }
}
