/// The input of ``YAMLEmitter``.
package indirect enum YAMLTree: Sendable, Equatable {
    /// Text, quoted if a reader, even one of YAML 1.1, would take it for another type.
    case text(String)
    case integer(Int)
    case bool(Bool)
    /// Bytes that are not text: base64 with the tag `!!binary`.
    case binary([UInt8])
    case sequence([YAMLTree])
    case mapping([Entry])

    /// One key of a mapping.
    package struct Entry: Sendable, Equatable {
        package var key: String
        package var value: YAMLTree

        package init(key: String, value: YAMLTree) {
            self.key = key
            self.value = value
        }
    }
}
