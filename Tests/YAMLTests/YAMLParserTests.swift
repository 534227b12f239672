import Testing
import YAML

@Suite struct YAMLParserTests {
    @Test func readsAMapping() throws {
        let node = try #require(try YAMLParser().parse(Array("a: 1\n".utf8)))
        guard case .mapping(let entries) = node.content else { return #expect(Bool(false)) }
        #expect(entries.map(\.key) == ["a"])
    }
}
