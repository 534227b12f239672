/// A scalar as written, before its type is known.
public struct YAMLScalar: Sendable, Equatable {
    /// The text, escapes and folding resolved; of `!!binary`, still base64.
    public var text: String
    /// What decides the type.
    public var kind: Kind

    /// What decides the type of a scalar.
    public enum Kind: Sendable, Equatable {
        /// A plain scalar: its form decides, see ``YAMLScalar/resolved``.
        case implicit
        /// Quoted, a block scalar, or tagged `!!str`, `!` or with a tag of somebody's own.
        case text
        /// Tagged `!!binary`: base64.
        case binary
    }

    public init(text: String, kind: Kind) {
        self.text = text
        self.kind = kind
    }
}

/// The value of a scalar, by the rules of ``YAMLScalar/resolved``.
public enum YAMLValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    /// A number that is no `Int`: with a fraction or an exponent, infinite, not a number, or too large.
    case float(Double)
    case text(String)
}
