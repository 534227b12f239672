import NIOCore
import Testing

@testable import Goridge

/// The promises of the decoder's documentation about memory.
@Suite struct FrameMemoryTests {
    private func header(announcing length: UInt32) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeFrameHeader(FrameHeader(flags: [], optionCount: 1, payloadLength: length))
        return buffer
    }

    @Test func nothingIsReservedBeforeTheHeaderIsVerified() throws {
        let header = self.header(announcing: 1 << 30)
        var decoder = FrameDecoder()
        for byte in header.readableBytesView.dropLast() {
            decoder.append(ByteBuffer(bytes: [byte]))
            #expect(try decoder.next() == nil)
            #expect(decoder.undecoded.storageCapacity <= 64)
        }
    }

    @Test func nothingIsReservedForARefusedHeader() throws {
        var header = self.header(announcing: 1 << 30)
        header.setInteger(UInt8(1), at: 11)
        var decoder = FrameDecoder()
        for byte in header.readableBytesView.dropLast() {
            decoder.append(ByteBuffer(bytes: [byte]))
            #expect(try decoder.next() == nil)
        }
        decoder.append(ByteBuffer(bytes: [1]))
        #expect(throws: FrameError.self) { try decoder.next() }
        #expect(decoder.undecoded.storageCapacity <= 64)
    }

    @Test func aHeaderThatAnnouncesMuchCostsOneReservation() throws {
        var decoder = FrameDecoder()
        decoder.append(self.header(announcing: 1 << 30))
        #expect(try decoder.next() == nil)
        #expect(decoder.undecoded.storageCapacity <= 64)
        for _ in 0..<10 {
            decoder.append(ByteBuffer(bytes: [1]))
            #expect(try decoder.next() == nil)
        }
        // Allocations are rounded up to a power of two.
        #expect(decoder.undecoded.storageCapacity <= 2 * FrameDecoder.reservation)
    }

    @Test func aLargePayloadGrowsWithWhatArrives() throws {
        let length = 8 << 20
        let piece = ByteBuffer(repeating: 0x61, count: 64 * 1024)
        var decoder = FrameDecoder()
        decoder.append(self.header(announcing: UInt32(length)))
        decoder.append(ByteBuffer(bytes: [1, 0, 0, 0]))
        var growths = 0
        var arrived = 0
        while arrived < length {
            #expect(try decoder.next() == nil)
            let before = decoder.undecoded.storageCapacity
            decoder.append(piece)
            arrived += piece.readableBytes
            let after = decoder.undecoded.storageCapacity
            growths += after == before ? 0 : 1
            #expect(after <= 2 * (arrived + FrameDecoder.reservation))
        }
        let frame = try #require(try decoder.next())
        #expect(frame.payload == ByteBuffer(repeating: 0x61, count: length))
        #expect(frame.firstOption == 1)
        #expect(growths < 8, "it doubles")
        #expect(decoder.isEmpty)
        #expect(decoder.undecoded.storageCapacity == 0, "the payload alone owns the memory")
    }

    /// Reads that never end at a frame's end must not keep frames that were decoded long ago.
    @Test
    func memoryDoesNotGrowWithTheFramesOfThePast() throws {
        let frame = WireFrame(payload: Array(repeating: 7, count: 100)).bytes
        let stream = Array(repeatElement(frame, count: 100).joined())
        var decoder = FrameDecoder()
        _ = try decoder.feed(frame.prefix(50))
        for _ in 0..<200 {
            let frames = try decoder.feed(stream[50...] + stream[..<50])
            #expect(frames.count == 100)
        }
        #expect(decoder.undecoded.storageCapacity <= 8 * stream.count)
    }
}
