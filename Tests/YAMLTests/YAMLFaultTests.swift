import Testing
import YAML

@Suite struct YAMLFaultTests {
    @Test(arguments: [
        ("a: 1\na: 2\n", "`a` is there twice, first at line 1", 2, 1),
        ("x:\n  b: 1\n  c: 1\n  b: 2\n", "`b` is there twice, first at line 2", 4, 3),
        ("{a: 1, 'a': 2}", "`a` is there twice", 1, 8),
        ("a: 1\n---\nb: 2\n", "second document", 2, 1),
        ("a: 1\n...\n---\nb: 2\n", "second document", 3, 1),
        ("a: 1\n---\n---\nb: 2\n", "second document", 3, 1), ("a: 1\n--- ''\n", "second document", 2, 1),
        ("a: 1\n--- &x\n", "second document", 2, 1),
        ("[a, b]: 1\n", "a key must be a scalar", 1, 1),
        ("? {a: b}\n: 1\n", "a key must be a scalar", 1, 3),
        ("a: [1, 2\nb: 3\n", "", 2, 2),
        ("a: 'x\n", "quoted scalar", 2, 1),
        ("a:\n\t- b\n", "cannot start any token", 2, 1),
        ("a: b: c\n", "mapping values are not allowed", 1, 5),
        ("%BAD\n", "directive", 1, 5),
    ])
    func faultsHaveTheirPlace(text: String, message: String, line: Int, column: Int) throws {
        let error = try #require(failure(text))
        #expect(message.isEmpty || error.message.contains(message), "\(error)")
        #expect(error.mark == YAMLMark(line: line, column: column), "\(error)")
    }

    @Test func aControlCharacterHasItsPlace() throws {
        let error = try #require(failure("a: 1\nbé: \u{1}\n"))
        #expect(error.mark == YAMLMark(line: 2, column: 5))
        #expect(error.description == "2:5: control characters are not allowed")
    }

    @Test(arguments: ["[", "{a: ", "- "])
    func deepNestingIsRefused(_ opening: String) throws {
        let error = try #require(failure(String(repeating: opening, count: 5000)))
        #expect(error.message == "nested more than 100 levels deep")
        #expect(error.mark?.line == 1)
    }

    @Test func depthUpToTheBoundIsFine() throws {
        let text = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(failure(text) == nil)
        #expect(failure("[\(text)]") != nil)
    }

    @Test func tooManyNodesAreRefused() {
        #expect(failure("[1, 2, 3]", parser: YAMLParser(maximumNodes: 4)) == nil)
        #expect(failure("[1, 2, 3, 4]", parser: YAMLParser(maximumNodes: 4))?.mark?.column == 11)
    }

    @Test func bytesThatAreNoUTF8AreAFault() {
        #expect(throws: YAMLError.self) { try YAMLParser().parse([0x61, 0x3A, 0x20, 0xFF, 0xFE]) }
        #expect(throws: YAMLError.self) { try YAMLParser().parse([0xFF, 0xFE, 0x61, 0x00]) }
    }
}
