/// A node of a YAML document, with aliases replaced and merges done.
package struct YAMLNode: Sendable, Equatable {
    /// The content of a node.
    package enum Content: Sendable, Equatable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// In the order of the text; merged keys come last. No key appears twice.
        case mapping([YAMLEntry])
    }

    package var content: Content
    /// The start of the node; for an alias, the place of its anchor.
    package var mark: YAMLMark

    package init(content: Content, mark: YAMLMark) {
        self.content = content
        self.mark = mark
    }
}

/// A key of a mapping and its value.
package struct YAMLEntry: Sendable, Equatable {
    /// The text of the key, regardless of the type it would resolve to.
    package var key: String
    package var keyMark: YAMLMark
    package var value: YAMLNode
    /// 0 if it is written in the mapping itself, at least 1 if it was merged (`<<`): the lower one wins if keys differ
    /// in text but mean the same. Entries of a mapping are in this order.
    package var layer: Int

    package init(key: String, keyMark: YAMLMark, value: YAMLNode, layer: Int = 0) {
        self.key = key
        self.keyMark = keyMark
        self.value = value
        self.layer = layer
    }
}
