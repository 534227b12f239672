import Goridge
import NIOCore
import Testing
import Text

@testable import TCPServer

@Suite struct EventFrameTests {
    private let context = EventContext(
        remoteAddress: try? SocketAddress(ipAddress: "127.0.0.1", port: 51234),
        server: Array("smtp".jsonQuoted.utf8),
        id: ConnectionID("0b5e9d3c-2a1f-4c6d-8e7f-0123456789ab")!
    )

    /// The header was computed with Python's `zlib.crc32`.
    @Test func theFrameIsToTheByte() {
        var buffer = ByteBuffer()
        #expect(self.context.writeFrame(.data, body: ByteBuffer(string: "a\r\n"), into: &buffer) == nil)
        let head: [UInt8] = [
            0x14, 0x00, 0x71, 0x00, 0x00, 0x00, 0xD7, 0x26, 0x06, 0xFA, 0x00, 0x00, 0x6E, 0x00, 0x00, 0x00,
        ]
        let context =
            "{\"remote_addr\":\"127.0.0.1:51234\",\"server\":\"smtp\","
            + "\"uuid\":\"0b5e9d3c-2a1f-4c6d-8e7f-0123456789ab\",\"event\":\"DATA\"}"
        #expect(Array(buffer.readableBytesView) == head + Array(context.utf8) + Array("a\r\n".utf8))
    }

    @Test(arguments: EventKind.allCases)
    func itIsReadBack(_ kind: EventKind) throws {
        var buffer = ByteBuffer()
        #expect(self.context.writeFrame(kind, body: ByteBuffer(string: "body"), into: &buffer) == nil)
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
        _ = self.context.writeFrame(.close, body: ByteBuffer(), into: &buffer)
        #expect(buffer.readString(length: 6) == "before")
        var decoder = FrameDecoder()
        decoder.append(buffer)
        #expect(try decoder.next()?.payload.readableBytes == self.context.length(.close))
    }

    @Test func aLargeBodyIsLeftToBeWrittenOnItsOwn() throws {
        let body = ByteBuffer(repeating: 7, count: 32 * 1024 + 1)
        var buffer = ByteBuffer()
        #expect(self.context.writeFrame(.data, body: body, into: &buffer) == body)
        buffer.writeImmutableBuffer(body)
        var decoder = FrameDecoder()
        decoder.append(buffer)
        let frame = try #require(try decoder.next())
        #expect(frame.payload.readableBytes == Int(frame.firstOption) + body.readableBytes)
        #expect(decoder.isEmpty)
    }
}
