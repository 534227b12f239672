/// The kinds of values that a place in a configuration may hold.
package indirect enum SchemaNode: Sendable {
    /// A mapping with these keys.
    case section([SchemaKey])
    /// A mapping whose keys are the user's names, such as `tcp.servers`.
    ///
    /// - Parameter wellKnown: names that variables may set although the file does not have them.
    case named(SchemaNode, wellKnown: [String])
    /// A list of such nodes. Their numbers, from 0, are the keys of a mapping: so each can be set by a variable.
    case list(SchemaNode)
    /// A mapping of names to texts, or a list of such mappings, such as `server.env`.
    case variables
    /// A scalar or a list of scalars.
    case value
    /// Any value; it is not checked.
    case anything
}

/// The part of a key that does not depend on the type of its value.
package struct SchemaKey: Sendable {
    /// Whether a key has an effect.
    package enum Effect: Sendable, Equatable {
        /// It works as the reference describes.
        case inEffect
        /// A present or former key of RoadRunner that never has an effect here, for this reason.
        case never(String)
        /// A section of RoadRunner that this service does not run.
        case notRun
    }

    var name: String
    var node: SchemaNode
    var effect: Effect
    /// Whether an `RR_*` variable may set it.
    var isSettableByVariable: Bool

    package init(
        _ name: String,
        _ node: SchemaNode = .value,
        _ effect: Effect = .inEffect,
        isSettableByVariable: Bool = true
    ) {
        self.name = name
        self.node = node
        self.effect = effect
        self.isSettableByVariable = isSettableByVariable
    }
}
