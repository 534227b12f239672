import Testing
import YAML

@Suite struct YAMLParserTests {
    @Test(arguments: ["", "\n\n", "# nothing\n", "   "])
    func textWithoutDocumentIsNil(_ text: String) throws {
        #expect(try YAMLParser().parse(Array(text.utf8)) == nil)
    }

    @Test(arguments: ["a: 1\n---\n", "a: 1\n---", "a: 1\n--- # nothing\n---\n...\n", "a: 1\n...\n---\n\n"])
    func emptyDocumentsAfterItDoNotCount(_ text: String) throws {
        #expect(try parse(text).keys == ["a"])
    }

    @Test func keepsTheOrderOfKeys() throws {
        #expect(try parse("b: 1\na: 2\nc: 3\n").keys == ["b", "a", "c"])
    }

    @Test func marksCountFromOne() throws {
        let node = try parse("top:\n  inner: value\n")
        #expect(node.mark == YAMLMark(line: 1, column: 1))
        #expect(node["top"]?["inner"]?.mark == YAMLMark(line: 2, column: 10))
    }

    @Test func columnsCountScalars() throws {
        #expect(try parse("é: {ü: x}\n")["é"]?["ü"]?.mark == YAMLMark(line: 1, column: 8))
    }

    @Test func skipsAByteOrderMark() throws {
        #expect(try parse("\u{FEFF}a: 1\nb: 2\n").keys == ["a", "b"])
    }

    @Test func quotedScalarsAreText() throws {
        let node = try parse("[1, '1', \"1\", !!str 1, ! 1, !own 1, !!int '1']")
        #expect(node[0]?.scalar?.resolved == .integer(1))
        for index in 1...5 { #expect(node[index]?.scalar?.resolved == .text("1")) }
        #expect(node[6]?.scalar?.resolved == .integer(1))
    }

    @Test func blockScalarsAreText() throws {
        #expect(try parse("a: |\n  12\n")["a"]?.scalar == YAMLScalar(text: "12\n", kind: .text))
        #expect(try parse("a: >-\n  x\n  y\n")["a"]?.scalar == YAMLScalar(text: "x y", kind: .text))
    }

    @Test func escapesKeepEveryByte() throws {
        #expect(try parse(#"a: "\r\n\0\t\x41\u00e9""#)["a"]?.scalar?.text == "\r\n\0\tA\u{E9}")
    }

    @Test func keysOfAnyTypeAreText() throws {
        #expect(try parse("1: a\ntrue: b\n~: c\n").keys == ["1", "true", "~"])
    }

    @Test func carriageReturnsEndLines() throws {
        let node = try parse("a: 1\r\nb: 2\r\n")
        #expect(node.keys == ["a", "b"])
        #expect(node["a"]?.scalar?.text == "1")
    }
}
