/// A scalar as written, before its type is known.
package struct YAMLScalar: Sendable, Equatable {
    /// The text, escapes and folding resolved; of `!!binary`, still base64.
    package var text: String
    /// The kind, which determines the type.
    package var kind: Kind

    /// The syntax of a scalar, which determines its type.
    package enum Kind: Sendable, Equatable {
        /// A plain scalar: its text determines the type, see ``YAMLScalar/resolved``.
        case implicit
        /// Quoted, a block scalar, or tagged `!!str`, `!` or with a custom tag.
        case text
        /// Tagged `!!binary`: base64.
        case binary
    }

    package init(text: String, kind: Kind) {
        self.text = text
        self.kind = kind
    }
}

/// The value of a scalar, by the rules of ``YAMLScalar/resolved``.
package enum YAMLValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    /// A number that is not an `Int`: with a fraction or an exponent, infinite, not a number, or too large.
    case float(Double)
    case text(String)
}
