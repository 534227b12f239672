import NIOCore
import Testing

@testable import WorkerProcess

@Suite struct StrayOutputTests {
    private func message(_ pieces: String...) -> String {
        let output = StrayOutput(reason: "test")
        for piece in pieces {
            output.append(ByteBuffer(string: piece))
        }
        return output.message
    }

    @Test func itIsRoadRunnersMessageWithTheText() {
        #expect(
            self.message("Hello, ", "world!\n")
                == "validation failed on the message sent to STDOUT, "
                + "see: https://docs.roadrunner.dev/error-codes/stdout-crc, invalid message: Hello, world!"
        )
    }

    @Test func whiteSpaceAroundTheTextIsLeftOut() {
        #expect(self.message("\r\n\n PHP Warning: x\n in y \r\n").hasSuffix("invalid message: PHP Warning: x\n in y"))
        #expect(self.message(" \n ").hasSuffix("invalid message: "))
        #expect(self.message().hasSuffix("invalid message: "))
    }

    @Test func aMissingScriptIsNamed() {
        #expect(
            self.message("Could not open input ", "file: worker.php\n")
                == "Could not open input file: worker.php: PHP cannot find the script that server.command names"
        )
    }

    @Test func onlyTheBeginningOfMuchIsKept() {
        let output = StrayOutput(reason: "test")
        for _ in 0..<100 {
            output.append(ByteBuffer(repeating: UInt8(ascii: "x"), count: 1000))
        }
        let kept = output.message.utf8.reversed().prefix { $0 == UInt8(ascii: "x") }
        #expect(kept.count == StrayOutput.limit)
    }

    @Test func bytesThatAreNoTextAreShownAsSuch() {
        let output = StrayOutput(reason: "test")
        output.append(ByteBuffer(bytes: [0x13, 0xFF, 0x00]))
        #expect(output.message.hasSuffix("invalid message: \u{13}\u{FFFD}\u{0}"))
    }

    @Test func itRemembersWhy() {
        let output = StrayOutput(reason: "version 4")
        #expect(output.reason == "version 4")
        #expect(!output.isFinished)
    }
}
