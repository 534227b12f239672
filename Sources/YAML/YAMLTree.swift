/// What ``YAMLEmitter`` writes.
package indirect enum YAMLTree: Sendable, Equatable {
    /// Text: quoted where a reader, even one of YAML 1.1, would take it for something else.
    case text(String)
    case integer(Int)
    case bool(Bool)
    /// Bytes that are no text: base64 with the tag `!!binary`.
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
