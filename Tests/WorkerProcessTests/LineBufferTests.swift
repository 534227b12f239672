import NIOCore
import Testing

@testable import WorkerProcess

@Suite struct LineBufferTests {
    private func lines(_ pieces: [String], limit: Int = 100) -> (lines: [String], rest: String?) {
        var buffer = LineBuffer(limit: limit)
        var lines: [String] = []
        for piece in pieces {
            buffer.append(ByteBuffer(string: piece))
            while let line = buffer.next() {
                lines.append(line)
            }
        }
        return (lines, buffer.rest())
    }

    @Test func linesComeWithoutTheirEnds() {
        let result = self.lines(["one\ntwo\r\n\n\r\nrest"])
        #expect(result.lines == ["one", "two", "", ""])
        #expect(result.rest == "rest")
    }

    @Test func piecesArePutTogether() {
        let text = "PHP Warning: größe\r\nsecond\n\nlast"
        for cut in text.utf8.indices {
            let pieces = [String(decoding: text.utf8[..<cut], as: UTF8.self), ""]
            guard pieces[0].utf8.elementsEqual(text.utf8[..<cut]) else {
                // Within a character; bytes are what is cut below.
                continue
            }
            let result = self.lines([pieces[0], String(decoding: text.utf8[cut...], as: UTF8.self)])
            #expect(result.lines == ["PHP Warning: größe", "second", ""])
            #expect(result.rest == "last")
        }
    }

    @Test func aCharacterCutInTwoIsWholeAgain() {
        var buffer = LineBuffer(limit: 100)
        for byte in "größe 😀\n".utf8 {
            #expect(buffer.next() == nil)
            buffer.append(ByteBuffer(bytes: [byte]))
        }
        #expect(buffer.next() == "größe 😀")
        #expect(buffer.next() == nil)
        #expect(buffer.rest() == nil)
    }

    @Test func aLongLineIsCut() {
        let result = self.lines([String(repeating: "a", count: 25) + "\nb\n"], limit: 10)
        #expect(result.lines == ["aaaaaaaaaa", "aaaaaaaaaa", "aaaaa", "b"])
    }

    @Test func aLineOfTheLimitIsNotCut() {
        let ten = String(repeating: "a", count: 10)
        #expect(self.lines([ten + "\n"], limit: 10).lines == [ten])
        #expect(self.lines([ten], limit: 10).rest == ten)
        #expect(self.lines([ten, "\nx"], limit: 10).lines == [ten])
        #expect(self.lines([ten + "a\n"], limit: 10).lines == [ten, "a"])
    }

    @Test func aLineWithoutAnEndDoesNotGrow() {
        let result = self.lines(Array(repeating: "0123456789", count: 1000), limit: 64)
        #expect(result.lines.allSatisfy { $0.utf8.count == 64 })
        #expect(result.lines.joined() + (result.rest ?? "") == String(repeating: "0123456789", count: 1000))
    }

    @Test func bytesThatAreNoTextAreShownAsSuch() {
        var buffer = LineBuffer(limit: 10)
        buffer.append(ByteBuffer(bytes: [0xFF, 0x41, 0x0A]))
        #expect(buffer.next() == "\u{FFFD}A")
    }

    @Test func thereIsNoRestOfNothing() {
        var buffer = LineBuffer(limit: 10)
        #expect(buffer.rest() == nil)
        buffer.append(ByteBuffer(string: "a\n"))
        #expect(buffer.next() == "a")
        #expect(buffer.rest() == nil)
        buffer.append(ByteBuffer(string: "b"))
        #expect(buffer.rest() == "b")
        #expect(buffer.rest() == nil)
    }

    /// A worker that floods its standard error: reads hardly ever end where a line ends.
    @Test
    func memoryDoesNotGrowWithTheLinesOfThePast() throws {
        let piece = ByteBuffer(string: String(repeating: "56789\n01234", count: 1000))
        var buffer = LineBuffer(limit: 16 * 1024)
        buffer.append(ByteBuffer(string: "01234"))
        for _ in 0..<200 {
            buffer.append(piece)
            var lines = 0
            while buffer.next() != nil {
                lines += 1
            }
            #expect(lines == 1000)
        }
        let held = Mirror(reflecting: buffer).children.compactMap { $0.value as? ByteBuffer }
        let capacity = try #require(held.first).storageCapacity
        #expect(capacity <= 8 * piece.readableBytes)
    }
}
