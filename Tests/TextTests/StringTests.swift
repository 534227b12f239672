import Foundation
import Testing
import Text

@Suite struct StringTests {
    static let hostile = [
        "", " ", "plain", "two\nlines", "\r\n", "tab\there", "quo\"te", "back\\slash", "\\n", "\u{0}\u{1}\u{1F}\u{7F}",
        "\u{1B}[31mred", "\u{85}\u{9B}\u{2028}\u{2029}", "Größe 😀", "e\u{301}", "\",\"level\":\"critical", "\u{FFFD}",
        "👩‍👩‍👧‍👦\r\n👍",
    ]

    @Test("Any text comes back out of its JSON, which is one line", arguments: hostile)
    func json(_ text: String) throws {
        let quoted = text.jsonQuoted
        #expect(!quoted.utf8.contains { $0 < 0x20 || $0 == 0x7F })
        #expect(
            try JSONDecoder().decode([String].self, from: Data("[\(quoted)]".utf8)).first?.utf8.elementsEqual(text.utf8)
                == true)
    }

    @Test(arguments: [
        ("", "\"\""), ("a/b", "\"a/b\""), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t", #""\n\r\t""#),
        ("\u{0}\u{10}\u{1F}\u{7F}", #""\u0000\u0010\u001f\u007f""#), ("é😀", "\"é😀\""),
    ])
    func escapes(text: String, quoted: String) {
        #expect(text.jsonQuoted == quoted)
    }

    @Test("No text breaks a line or commands a terminal", arguments: hostile)
    func lines(_ text: String) {
        for line in [text.singleLine(), text.singleLine(keepsTabs: true)] {
            let scalars = line.unicodeScalars.filter { $0 != "\t" }
            #expect(
                !scalars.contains {
                    $0.properties.generalCategory == .control || "\u{2028}\u{2029}".unicodeScalars.contains($0)
                })
        }
    }

    @Test(arguments: [
        ("", "", ""), ("a\tb", "a\\tb", "a\tb"), ("a\nb\r\t", "a\\nb\\r\\t", "a\\nb\\r\t"),
        ("\u{1B}[1m\u{7F}\u{85}\u{2028}", "\\x1b[1m\\x7f\\x85\\u2028", "\\x1b[1m\\x7f\\x85\\u2028"), ("é😀", "é😀", "é😀"),
    ])
    func singleLine(text: String, line: String, withTabs: String) {
        #expect(text.singleLine() == line && text.singleLine(keepsTabs: true) == withTabs)
    }
}
