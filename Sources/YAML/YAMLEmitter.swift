import CLibYAML

/// Writes a tree as a YAML document, through libyaml.
package struct YAMLEmitter: Sendable {
    package init() {}

    /// - Returns: a block style document that ends with a line feed; ``YAMLParser`` reads it back as the same tree.
    /// - Throws: ``YAMLError`` if memory is short, or the tree nests too deeply for libyaml.
    package func emit(_ tree: YAMLTree) throws(YAMLError) -> String {
        var writer = try YAMLEventWriter()
        try writer.document(tree)
        return writer.text
    }
}
