/// A node of a YAML document: aliases are replaced by what they stand for, merges are done.
package struct YAMLNode: Sendable, Equatable {
    /// What a node can be.
    package enum Content: Sendable, Equatable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// In the order of the text; keys that a merge brought come last. No key appears twice.
        case mapping([YAMLEntry])
    }

    package var content: Content
    /// Where the node starts; for what an alias stands for, where its anchor is.
    package var mark: YAMLMark

    package init(content: Content, mark: YAMLMark) {
        self.content = content
        self.mark = mark
    }
}

/// A key of a mapping and its value.
package struct YAMLEntry: Sendable, Equatable {
    /// The text of the key, whatever type it would resolve to.
    package var key: String
    package var keyMark: YAMLMark
    package var value: YAMLNode
    /// 0 when it is written in the mapping itself, from 1 when a merge (`<<`) brought it: the lower one wins where keys
    /// mean the same without being the same. Entries of a mapping are in this order.
    package var layer: Int

    package init(key: String, keyMark: YAMLMark, value: YAMLNode, layer: Int = 0) {
        self.key = key
        self.keyMark = keyMark
        self.value = value
        self.layer = layer
    }
}
