import Goridge
import NIOCore
import Testing

@Suite struct ControlMessageTests {
    @Test(arguments: [
        ("{\"pid\":1}", ControlMessage.pid(1)),
        ("{\"pid\":4194304}", .pid(4_194_304)),
        (" {\n\t\"pid\" : 12 }\r\n", .pid(12)),
        ("{\"pid\":7,\"version\":\"3.1\",\"extra\":{\"a\":[1,null]}}", .pid(7)),
        ("{\"stop\":true}", .stop),
        ("{ \"stop\" : true }", .stop),
        ("{\"stop\":true,\"pid\":5}", .stop),
        ("{\"stop\":false,\"pid\":5}", .pid(5)),
        ("{\"stop\":null,\"pid\":5}", .pid(5)),
        ("{\"\\u0070\\u0069d\":6}", .pid(6)),
        (
            "{\"pid\":-0,\"a\":[-1.5e+3,0,2E1,[],{},true,false,[[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00é\"]]]}",
            .pid(0)
        ),
        ("{\"pid\":1,\"pid\":2}", .pid(2)),
        ("{\"a\":\(String(repeating: "[", count: 100))\(String(repeating: "]", count: 100)),\"pid\":3}", .pid(3)),
    ])
    func isRead(json: String, message: ControlMessage) {
        #expect(ControlMessage(payload: ByteBuffer(string: json)) == message)
    }

    @Test(arguments: [
        "", " ", "{", "{}", "[]", "null", "true", "12", "\"stop\"", "{\"stop\":false}", "{\"stop\":\"true\"}",
        "{\"stop\":1}", "{\"pid\":\"12\"}", "{\"pid\":1.5}", "{\"pid\":99999999999999999999}", "{\"pid\":null}",
        "{\"PID\":1}", "{\"pid\":1", "{\"pid\":1}{\"pid\":2}", "{\"pid\":1}x", "PHP Warning: x",
        "{\"pid\":01}", "{\"pid\":+1}", "{\"pid\":-}", "{\"pid\":1.}", "{\"pid\":.5}", "{\"pid\":1e}", "{\"pid\":1,}",
        "{,}", "{\"pid\"}",
        "{pid:1}", "{'pid':1}", "{\"pid\":1,\"a\":[1,]}", "{\"pid\":1,\"a\":[1 2]}", "{\"pid\":1 \"a\":2}",
        "{\"pid\":1,\"a\":nul}",
        "{\"pid\":1,\"a\":\"\n\"}", "{\"pid\":1,\"a\":\"\\x\"}", "{\"pid\":1,\"a\":\"\\u12g4\"}",
        "{\"pid\":1,\"a\":\"\\u+123\"}",
        "{\"pid\":1,\"a\":\"\\ud83d\"}", "{\"pid\":1,\"a\":\"\\ud83d\\u0041\"}", "{\"pid\":1,\"a\":\"\\ude00\"}",
        "{\"pid\":1,\"a\":\"",
        "{\"pid\":1,\"a\":\"\\\"}", "{\"pid\":true}", "{\"pid\":[1]}", "{\"stop\":true,\"pid\":\"5\"}",
        "\u{FEFF}{\"pid\":1}", "{\"pid\":1}\0",
        "{\"pid\":1}\u{A0}",
    ])
    func junkIsNone(_ json: String) {
        #expect(ControlMessage(payload: ByteBuffer(string: json)) == nil)
    }

    /// The depth is bounded: it is the stack's.
    @Test(arguments: ["[", "{\"a\":"]) func endlessNestingIsNone(opening: String) {
        let json = "{\"pid\":1,\"a\":" + String(repeating: opening, count: 1_000_000)
        #expect(ControlMessage(payload: ByteBuffer(string: json)) == nil)
    }

    @Test func bytesThatAreNoTextAreNone() {
        #expect(ControlMessage(payload: ByteBuffer(bytes: UInt8.min...UInt8.max)) == nil)
    }

    @Test func onlyTheReadableBytesCount() {
        var buffer = ByteBuffer(string: "xx{\"pid\":3}yy")
        buffer.moveReaderIndex(forwardBy: 2)
        buffer.moveWriterIndex(to: buffer.writerIndex - 2)
        #expect(ControlMessage(payload: buffer) == .pid(3))
    }

    @Test(arguments: [
        ("{\"stop\":true}", true), ("{ \"stop\": true, \"x\": 1 }", true), ("{\"stop\":false}", false),
        ("{\"pid\":1}", false), ("WRITE", false), ("", false), ("{", false), ("stop", false),
    ])
    func aContextThatAsksForReplacement(context: String, isStop: Bool) {
        #expect(ControlMessage.isStop(context: ByteBuffer(string: context)) == isStop)
    }

    @Test(arguments: [ControlMessage.pid(0), .pid(.max), .stop])
    func isReadAsItWasWritten(_ message: ControlMessage) throws {
        var buffer = ByteBuffer()
        buffer.writeControlFrame(message)
        var decoder = FrameDecoder()
        decoder.append(buffer)
        let frame = try #require(try decoder.next())
        #expect(frame.flags == .control)
        #expect(frame.optionCount == 0)
        #expect(ControlMessage(payload: frame.payload) == message)
    }
}
