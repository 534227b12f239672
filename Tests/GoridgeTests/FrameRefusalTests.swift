import Goridge
import NIOCore
import Testing

@Suite struct FrameRefusalTests {
    private func refusal(of bytes: some Sequence<UInt8>, payloadLimit: Int = 1 << 20) -> FrameError? {
        var decoder = FrameDecoder(payloadLimit: payloadLimit)
        decoder.append(ByteBuffer(bytes: bytes))
        do {
            _ = try decoder.next()
            return nil
        } catch {
            return error
        }
    }

    @Test func theFirstByteAloneIsEnoughToRefuse() {
        for byte in UInt8.min...UInt8.max {
            let error = self.refusal(of: [byte])
            let words = Int(byte & 0x0F)
            switch byte >> 4 {
            case 1 where (3...13).contains(words):
                #expect(error == nil)
            case 1:
                #expect(error == FrameError(reason: .headerLength(words), bytes: ByteBuffer(bytes: [byte])))
            case let version:
                #expect(error == FrameError(reason: .version(version), bytes: ByteBuffer(bytes: [byte])))
            }
        }
    }

    @Test func strayTextIsRefusedWithAllThatCame() {
        let text = "PHP Warning:  Undefined variable $x in worker.php on line 3\n"
        let error = self.refusal(of: text.utf8)
        #expect(error?.reason == .version(5))
        #expect(error.map { String(buffer: $0.bytes) } == text)
    }

    @Test func anyFlippedBitOfTheChecksummedBytesIsRefused() throws {
        let header = KnownFrame.answer.bytes.prefix(12)
        for bit in 0..<(10 * 8) {
            var bytes = Array(header)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let error = try #require(self.refusal(of: bytes), "bit \(bit)")
            #expect(error.bytes == ByteBuffer(bytes: bytes))
            if bit == 9 {
                #expect(error.reason == .flags(bytes[1]))
            } else if bit >= 8 {
                guard case .checksum(let carried, let expected) = error.reason else {
                    Issue.record("bit \(bit): \(error)")
                    continue
                }
                #expect(carried != expected)
            }
        }
    }

    @Test func aWrongChecksumTellsBoth() {
        var bytes = KnownFrame.empty.bytes
        bytes[6...9] = [0x44, 0x33, 0x22, 0x11]
        #expect(self.refusal(of: bytes)?.reason == .checksum(carried: 0x1122_3344, expected: 0x3480_D196))
    }

    @Test(arguments: UInt8(0)...7)
    func reservedBitsAreRefused(_ bit: UInt8) {
        var bytes = KnownFrame.empty.bytes
        bytes[11] = 1 << bit
        #expect(self.refusal(of: bytes)?.reason == .reservedBits)
        bytes[11] = 0
        bytes[10] = 1 << bit
        #expect(self.refusal(of: bytes)?.reason == (bit < 4 ? nil : .reservedBits))
    }

    @Test func aPayloadOverTheLimitIsRefusedByItsHeader() {
        let header = WireFrame(payload: Array(repeating: 0, count: 101)).bytes.prefix(12)
        #expect(self.refusal(of: header, payloadLimit: 101) == nil)
        #expect(self.refusal(of: header, payloadLimit: 100)?.reason == .payloadLength(101, limit: 100))
        #expect(self.refusal(of: header, payloadLimit: 0)?.reason == .payloadLength(101, limit: 0))
    }

    @Test func theLongestPayloadOfAllIsRefusedByDefault() {
        var buffer = ByteBuffer()
        buffer.writeFrameHeader(FrameHeader(flags: [], optionCount: 0, payloadLength: .max))
        var decoder = FrameDecoder()
        decoder.append(buffer)
        let error = #expect(throws: FrameError.self) { _ = try decoder.next() }
        #expect(error?.reason == .payloadLength(.max, limit: FrameDecoder.defaultPayloadLimit))
    }

    @Test func anErrorIsForEver() throws {
        var decoder = FrameDecoder()
        let good = KnownFrame.answer
        decoder.append(ByteBuffer(bytes: good.bytes + Array("oops".utf8)))
        #expect(try decoder.next() == good.frame.decoded)
        let first = #expect(throws: FrameError.self) { _ = try decoder.next() }
        #expect(first == FrameError(reason: .version(6), bytes: ByteBuffer(string: "oops")))
        decoder.append(ByteBuffer(bytes: good.bytes))
        let second = #expect(throws: FrameError.self) { _ = try decoder.next() }
        #expect(second == first)
        #expect(decoder.undecoded == ByteBuffer(string: "oops"))
        #expect(!decoder.isEmpty)
    }

    @Test func aFlagWithoutAMeaningIsRefusedWhenItComes() {
        // How a terminal's colour starts: the first byte alone could be a frame's.
        #expect(self.refusal(of: [0x1B]) == nil)
        #expect(self.refusal(of: Array("\u{1B}[".utf8))?.reason == .flags(0x5B))
    }

    @Test(arguments: 6...9)
    func theFirstWrongByteOfAChecksumIsEnoughToRefuse(_ position: Int) throws {
        var bytes = KnownFrame.answer.bytes
        bytes[position] ^= 0xFF
        var decoder = FrameDecoder()
        for byte in bytes[..<position] {
            decoder.append(ByteBuffer(bytes: [byte]))
            #expect(try decoder.next() == nil)
        }
        decoder.append(ByteBuffer(bytes: [bytes[position]]))
        let error = #expect(throws: FrameError.self) { _ = try decoder.next() }
        #expect(error?.bytes == ByteBuffer(bytes: bytes.prefix(position + 1)))
    }

    @Test func descriptionsNameWhatWasWrong() {
        func text(_ reason: FrameError.Reason) -> String {
            FrameError(reason: reason, bytes: ByteBuffer()).description
        }
        #expect(text(.version(5)).contains("version 5"))
        #expect(text(.headerLength(2)).contains("2 words"))
        #expect(text(.flags(2)).contains("flags 2"))
        #expect(text(.checksum(carried: 7, expected: 8)).contains("CRC 7 instead of 8"))
        #expect(text(.reservedBits).contains("reserved"))
        #expect(text(.payloadLength(9, limit: 8)).contains("9 bytes is over the limit of 8"))
    }
}
