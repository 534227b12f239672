import Goridge
import NIOCore
import Testing

@testable import WorkerPool

@Suite struct WorkerEventFrameTests {
    private let prefix = Array(
        "{\"remote_addr\":\"127.0.0.1:51234\",\"server\":\"smtp\",\"uuid\":\"u\",\"event\":\"".utf8
    )

    /// The header was computed with Python's `zlib.crc32`.
    @Test func theFrameIsToTheByte() {
        let event = WorkerEvent(kind: .data, contextPrefix: self.prefix, body: ByteBuffer(string: "a\r\n"))
        var buffer = ByteBuffer()
        buffer.writeFrameHead(of: event)
        buffer.writeImmutableBuffer(event.body)
        let head: [UInt8] = [
            0x14, 0x00, 0x4E, 0x00, 0x00, 0x00, 0x20, 0xCE, 0x4E, 0x52, 0x00, 0x00, 0x4B, 0x00, 0x00, 0x00,
        ]
        let context = "{\"remote_addr\":\"127.0.0.1:51234\",\"server\":\"smtp\",\"uuid\":\"u\",\"event\":\"DATA\"}"
        #expect(Array(buffer.readableBytesView) == head + Array(context.utf8) + Array("a\r\n".utf8))
    }

    @Test(arguments: EventKind.allCases)
    func itIsReadBack(_ kind: EventKind) throws {
        let event = WorkerEvent(kind: kind, contextPrefix: self.prefix, body: ByteBuffer(string: "body"))
        var buffer = ByteBuffer()
        buffer.writeFrameHead(of: event)
        buffer.writeImmutableBuffer(event.body)
        var decoder = FrameDecoder()
        decoder.append(buffer)
        var frame = try #require(try decoder.next())
        #expect(decoder.isEmpty)
        #expect(frame.flags.isEmpty)
        #expect(frame.optionCount == 1)
        let context = frame.payload.readString(length: Int(frame.firstOption))
        #expect(context?.hasSuffix("\"event\":\"\(kind.rawValue)\"}") == true)
        #expect(String(buffer: frame.payload) == "body")
    }

    @Test func itIsAppendedToWhatIsThere() throws {
        var buffer = ByteBuffer(string: "before")
        buffer.writeFrameHead(of: WorkerEvent(kind: .close, contextPrefix: self.prefix, body: ByteBuffer()))
        #expect(buffer.readString(length: 6) == "before")
        var decoder = FrameDecoder()
        decoder.append(buffer)
        #expect(try decoder.next()?.payload.readableBytes == self.prefix.count + 7)
    }
}
