import NIOCore
import Testing

@testable import TCPServer

@Suite struct AnswerActionTests {
    @Test(arguments: [
        ("WRITE", AnswerAction.write), ("WRITECLOSE", .writeAndClose), ("CONTINUE", .keepReading),
        ("STARTTLS", .startTLS), ("STARTTL5", .close), ("CLOSE", .close),
        ("", .close), ("write", .close), ("WRITE ", .close), ("WRITEX", .close), ("CONTINUED", .close), ("\0", .close),
        ("WRITECLOSE\n", .close), ("ABCDE", .close), ("ABCDEFGH", .close), ("ABCDEFGHIJ", .close),
        ("{\"stop\":true}", .close),
    ])
    func aContextAsksFor(context: String, action: AnswerAction) {
        #expect(AnswerAction(context: ByteBuffer(string: context)) == action)
    }

    @Test func onlyTheReadableBytesCount() {
        var buffer = ByteBuffer(string: "xxWRITEyy")
        buffer.moveReaderIndex(forwardBy: 2)
        buffer.moveWriterIndex(to: buffer.writerIndex - 2)
        #expect(AnswerAction(context: buffer) == .write)
    }

    @Test(arguments: [
        (AnswerAction.write, true, true), (.writeAndClose, true, false), (.keepReading, false, true),
        (.close, false, false), (.startTLS, true, true),
    ])
    func whatItMeans(action: AnswerAction, writes: Bool, keepsReading: Bool) {
        #expect(action.writes == writes)
        #expect(action.keepsReading == keepsReading)
    }
}
