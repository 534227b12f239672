import Goridge
import NIOCore
import Testing

@testable import TCPServer

@Suite struct EventFrameTests {
    private let prefix = Array(
        "{\"remote_addr\":\"127.0.0.1:51234\",\"server\":\"smtp\",\"uuid\":\"u\",\"event\":\"".utf8
    )

    /// The header was computed with Python's `zlib.crc32`.
    @Test func theFrameIsToTheByte() {
        var buffer = ByteBuffer()
        #expect(buffer.writeEventFrame(.data, contextPrefix: self.prefix, body: ByteBuffer(string: "a\r\n")) == nil)
        let head: [UInt8] = [
            0x14, 0x00, 0x4E, 0x00, 0x00, 0x00, 0x20, 0xCE, 0x4E, 0x52, 0x00, 0x00, 0x4B, 0x00, 0x00, 0x00,
        ]
        let context = "{\"remote_addr\":\"127.0.0.1:51234\",\"server\":\"smtp\",\"uuid\":\"u\",\"event\":\"DATA\"}"
        #expect(Array(buffer.readableBytesView) == head + Array(context.utf8) + Array("a\r\n".utf8))
    }

    @Test(arguments: EventKind.allCases)
    func itIsReadBack(_ kind: EventKind) throws {
        var buffer = ByteBuffer()
        #expect(buffer.writeEventFrame(kind, contextPrefix: self.prefix, body: ByteBuffer(string: "body")) == nil)
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
        _ = buffer.writeEventFrame(.close, contextPrefix: self.prefix, body: ByteBuffer())
        #expect(buffer.readString(length: 6) == "before")
        var decoder = FrameDecoder()
        decoder.append(buffer)
        #expect(try decoder.next()?.payload.readableBytes == self.prefix.count + 7)
    }

    @Test func aLargeBodyIsLeftToBeWrittenOnItsOwn() throws {
        let body = ByteBuffer(repeating: 7, count: 32 * 1024 + 1)
        var buffer = ByteBuffer()
        #expect(buffer.writeEventFrame(.data, contextPrefix: self.prefix, body: body) == body)
        buffer.writeImmutableBuffer(body)
        var decoder = FrameDecoder()
        decoder.append(buffer)
        let frame = try #require(try decoder.next())
        #expect(frame.payload.readableBytes == Int(frame.firstOption) + body.readableBytes)
        #expect(decoder.isEmpty)
    }
}
