import Testing
import YAML

@Suite struct YAMLAliasTests {
    @Test func aliasesStandForTheirAnchor() throws {
        let node = try parse("a: &x {k: 1}\nb: *x\nc: [*x, &y 2, *y]\n")
        #expect(node["b"]?["k"]?.scalar?.text == "1")
        #expect(node["c"]?[0]?["k"]?.scalar?.text == "1")
        #expect(node["c"]?[2]?.scalar?.text == "2")
    }

    @Test func theLastAnchorOfANameCounts() throws {
        let node = try parse("[&x 1, *x, &x 2, *x]")
        #expect(node[1]?.scalar?.text == "1")
        #expect(node[3]?.scalar?.text == "2")
    }

    @Test func mergesGiveWayToOwnKeys() throws {
        let node = try parse("base: &b {x: 1, y: 2}\ntop:\n  y: 3\n  <<: *b\n")
        #expect(node["top"]?.keys == ["y", "x"])
        #expect(node["top"]?["y"]?.scalar?.text == "3")
    }

    @Test func theFirstOfSeveralMergesWins() throws {
        let node = try parse("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n")
        #expect(node["c"]?["x"]?.scalar?.text == "1")
        #expect(node["c"]?["y"]?.scalar?.text == "2")
    }

    @Test func aMergeOfAMergeWorks() throws {
        let node = try parse("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n")
        #expect(node["c"]?.keys.sorted() == ["x", "y"])
    }

    @Test func aQuotedMergeKeyIsAKey() throws {
        #expect(try parse("'<<': 1\n").keys == ["<<"])
    }

    @Test func anAliasCanBeAKey() throws {
        #expect(try parse("a: &x key\n*x : 1\n").keys == ["a", "key"])
    }

    @Test(arguments: [
        ("a: {<<: 1}", "`<<` takes"),
        ("a: {<<: [1]}", "`<<` takes"),
        ("a: *nobody", "is not defined"),
        ("a: &x [*x]", "contains itself"),
        ("a: &x {k: *x}", "contains itself"),
    ])
    func faults(text: String, message: String) {
        #expect(failure(text)?.message.contains(message) == true)
        #expect(failure(text)?.mark?.line == 1)
    }

    @Test func anAliasBombIsRefused() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        let error = failure(text)
        #expect(error?.message.contains("once aliases are expanded") == true)
        #expect(error?.mark?.line == 5)
    }

    @Test func aBombOfMergesIsRefused() {
        var text = "a0: &a0 {k0: x}\n"
        for level in 1...40 { text += "a\(level): &a\(level) {<<: [*a\(level - 1), *a\(level - 1)], k\(level): x}\n" }
        #expect(failure(text)?.message.contains("once aliases are expanded") == true)
    }
}
