import Testing
import YAML

@Suite struct YAMLEmitterTests {
    @Test func writesBlockStyle() throws {
        let tree = YAMLTree.mapping([
            .init(key: "a", value: .integer(-1)),
            .init(key: "b", value: .sequence([.text("x"), .bool(true)])),
            .init(key: "c", value: .mapping([])),
            .init(key: "d", value: .sequence([])),
            .init(key: "e", value: .binary([0xFF, 0])),
        ])
        let text = try YAMLEmitter().emit(tree)
        #expect(text == "a: -1\nb:\n- x\n- true\nc: {}\nd: []\ne: !!binary /wA=\n")
    }

    @Test(arguments: [
        "", " ", "x", " x ", "yes", "Off", "null", "~", "true", "1", "0x1", "1.5", ".inf", "1:30", "2001-01-01", "60s",
        ":7777", "[::1]:80", "- a", "a: b", "a #b", "#", "'", "\"", "\\", "|", ">", "&a", "*a", "!a", "%", "@", "`",
        "<<", "=", "?", "\n", "\r\n", "\t", "\0", "\u{7}", "a\nb\n", "é", "😀", "\u{FEFF}", "\u{85}", "\u{2028}", "$x",
        "---", "...", "{", "}", "[", "]", ",", "a, b", String(repeating: "word ", count: 100),
    ])
    func anyTextComesBack(_ text: String) throws {
        let document = try YAMLEmitter().emit(
            .mapping([.init(key: text, value: .text(text)), .init(key: "list\(text)", value: .sequence([.text(text)]))])
        )
        let node = try parse(document)
        #expect(node.keys.first == text)
        #expect(node[text]?.scalar?.resolved == .text(text))
        #expect(node["list\(text)"]?[0]?.scalar?.resolved == .text(text))
    }

    @Test func theWordsOfOlderReadersAreQuoted() throws {
        let texts: [YAMLTree] = ["off", "1:30", "2001-01-01", "y"].map { .text($0) }
        #expect(try YAMLEmitter().emit(.sequence(texts)) == "- \"off\"\n- \"1:30\"\n- \"2001-01-01\"\n- \"y\"\n")
    }
}
