import Testing
import YAML

/// Parses a text that must hold a document.
func parse(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> YAMLNode {
    try #require(try YAMLParser().parse(Array(text.utf8)), sourceLocation: sourceLocation)
}

/// The error of a text that must not parse.
func failure(_ text: String, parser: YAMLParser = YAMLParser()) -> YAMLError? {
    do throws(YAMLError) {
        _ = try parser.parse(Array(text.utf8))
        return nil
    } catch {
        return error
    }
}

extension YAMLNode {
    subscript(key: String) -> YAMLNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    subscript(index: Int) -> YAMLNode? {
        guard case .sequence(let items) = content, items.indices.contains(index) else { return nil }
        return items[index]
    }

    var scalar: YAMLScalar? {
        guard case .scalar(let scalar) = content else { return nil }
        return scalar
    }

    var keys: [String] {
        guard case .mapping(let entries) = content else { return [] }
        return entries.map(\.key)
    }
}
