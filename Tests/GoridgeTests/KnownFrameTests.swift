import Goridge
import NIOCore
import Testing

/// Frames written out by hand; their checksums were computed with Python's `zlib.crc32`.
enum KnownFrame: CaseIterable {
    case empty, pid, stop, answer, error, everything

    var bytes: [UInt8] {
        switch self {
        case .empty:
            [0x13, 0x00, 0x00, 0x00, 0x00, 0x00, 0x96, 0xD1, 0x80, 0x34, 0x00, 0x00]
        case .pid:
            [0x13, 0x01, 0x0C, 0x00, 0x00, 0x00, 0x9E, 0x47, 0x36, 0x43, 0x00, 0x00] + Array("{\"pid\":4242}".utf8)
        case .stop:
            [0x13, 0x01, 0x0D, 0x00, 0x00, 0x00, 0xFB, 0x20, 0x8A, 0xFB, 0x00, 0x00] + Array("{\"stop\":true}".utf8)
        case .answer:
            [0x14, 0x00, 0x0C, 0x00, 0x00, 0x00, 0x96, 0x5E, 0x53, 0x63, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00]
                + Array("WRITEhello\r\n".utf8)
        case .error:
            [0x13, 0x40, 0x04, 0x00, 0x00, 0x00, 0x88, 0x1E, 0x11, 0xE3, 0x00, 0x00] + Array("boom".utf8)
        case .everything:
            [0x1D, 0xFD, 0x01, 0x00, 0x00, 0x00, 0x6F, 0x43, 0x92, 0x06, 0x0F, 0x00]
                + (1...10).flatMap { [$0, 0x00, 0x00, 0x00] } + [0xFF]
        }
    }

    var frame: WireFrame {
        switch self {
        case .empty: WireFrame()
        case .pid: WireFrame(flags: .control, payload: Array("{\"pid\":4242}".utf8))
        case .stop: WireFrame(flags: .control, payload: Array("{\"stop\":true}".utf8))
        case .answer: WireFrame(options: [5], payload: Array("WRITEhello\r\n".utf8))
        case .error: WireFrame(flags: .error, payload: Array("boom".utf8))
        case .everything:
            WireFrame(
                flags: [.control, .raw, .json, .msgpack, .gob, .error, .proto],
                streamFlags: .known,
                options: Array(1...10),
                payload: [0xFF]
            )
        }
    }
}

@Suite struct KnownFrameTests {
    @Test(arguments: KnownFrame.allCases)
    func isWrittenToTheByte(_ known: KnownFrame) {
        #expect(known.frame.bytes == known.bytes)
    }

    @Test(arguments: KnownFrame.allCases)
    func isRead(_ known: KnownFrame) throws {
        var decoder = FrameDecoder()
        #expect(try decoder.feed(known.bytes) == [known.frame.decoded])
        #expect(decoder.isEmpty)
    }

    @Test func controlFramesAreWrittenToTheByte() {
        var buffer = ByteBuffer()
        buffer.writeControlFrame(.pid(4242))
        buffer.writeControlFrame(.stop)
        #expect(Array(buffer.readableBytesView) == KnownFrame.pid.bytes + KnownFrame.stop.bytes)
    }

    @Test func allInTurnAreReadFromOneBuffer() throws {
        var decoder = FrameDecoder()
        let frames = try decoder.feed(KnownFrame.allCases.flatMap(\.bytes))
        #expect(frames == KnownFrame.allCases.map(\.frame.decoded))
        #expect(decoder.isEmpty)
    }
}
