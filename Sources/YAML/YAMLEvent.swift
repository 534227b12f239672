/// One event of libyaml, with everything copied out of its memory.
struct YAMLEvent {
    enum Kind: Equatable {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias(String)
        case scalar(YAMLScalar, isMergeKey: Bool, anchor: String?)
        case sequenceStart(anchor: String?)
        case sequenceEnd
        case mappingStart(anchor: String?)
        case mappingEnd

        var opensCollection: Bool {
            switch self {
            case .sequenceStart, .mappingStart: true
            default: false
            }
        }

        /// Whether this is the root of an empty document.
        var isNothing: Bool {
            guard case .scalar(let scalar, _, anchor: nil) = self else { return false }
            return scalar == YAMLScalar(text: "", kind: .implicit)
        }
    }

    var kind: Kind
    var mark: YAMLMark
}
