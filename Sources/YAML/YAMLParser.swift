/// Turns a YAML text into a tree.
///
/// Only one document is accepted. Aliases and `<<` merges are resolved here; what is duplicated, refers to itself,
/// nests too deeply or grows too large is an error with its place.
package struct YAMLParser: Sendable {
    /// The deepest nesting of collections. Default 100.
    package var maximumDepth: Int
    /// The most nodes after aliases are replaced by what they stand for, so that an alias bomb cannot grow.
    /// Default 100,000; a configuration has a few hundred.
    package var maximumNodes: Int

    package init(maximumDepth: Int = 100, maximumNodes: Int = 100_000) {
        self.maximumDepth = maximumDepth
        self.maximumNodes = maximumNodes
    }

    /// - Parameter bytes: UTF-8, with or without a byte order mark.
    /// - Returns: the document, or `nil` when the text holds none (nothing, comments only).
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
