/// A fact about a connection that workers are told besides its address: a key of the context's JSON with its value.
///
/// Stages bound the sizes of their facts: each event carries them.
package struct TransportFact: Sendable, Hashable {
    /// A value of JSON.
    package enum Value: Sendable, Hashable {
        case text(String)
        case number(Int)
        case flag(Bool)
        case list([Value])
        case object([TransportFact])
    }

    package var name: String
    package var value: Value

    package init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }
}
