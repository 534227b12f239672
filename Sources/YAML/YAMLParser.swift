/// Turns a YAML text into a tree.
///
/// Only one document is accepted. Aliases and `<<` merges are resolved here. Duplicate keys, self-references, too deep
/// nesting and too large documents are errors with their place.
package struct YAMLParser: Sendable {
    /// The deepest nesting of collections. Default 100.
    package var maximumDepth: Int
    /// The most nodes after aliases are replaced, which stops an alias bomb.
    /// Default 100,000; a configuration has a few hundred.
    package var maximumNodes: Int

    package init(maximumDepth: Int = 100, maximumNodes: Int = 100_000) {
        self.maximumDepth = maximumDepth
        self.maximumNodes = maximumNodes
    }

    /// - Parameter bytes: UTF-8, with or without a byte order mark.
    /// - Returns: the document, or `nil` if the text holds none (empty, or comments only).
    /// - Throws: ``YAMLError``.
    package func parse(_ bytes: [UInt8]) throws(YAMLError) -> YAMLNode? {
        var composer = YAMLComposer(
            reader: try YAMLEventReader(bytes),
            maximumDepth: maximumDepth,
            maximumNodes: maximumNodes
        )
        return try composer.document()
    }
}
