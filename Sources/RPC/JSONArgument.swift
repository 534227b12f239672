import JSON

/// A JSON argument, read as Go's decoder reads a struct: names match without regard to case, others are ignored, and
/// what is absent or `null` is the zero value.
package struct JSONArgument: Sendable {
    private let value: JSONValue
    /// The member's name, for errors; empty for the argument itself.
    private let name: String

    /// - Parameter call: Without readable bytes its argument stands for the zero value.
    /// - Throws: When the codec is not JSON, too.
    package init(_ call: RPCCall) throws(RPCError) {
        self.init(try call.json(), name: "")
    }

    private init(_ value: JSONValue, name: String) {
        self.value = value
        self.name = name
    }

    /// - Throws: When this is no object.
    package func member(_ name: String) throws(RPCError) -> JSONArgument {
        switch self.value {
        case .null: return JSONArgument(.null, name: name)
        case .object: return JSONArgument(self.value[inAnyCase: name] ?? .null, name: name)
        default: throw self.mismatch("an object")
        }
    }

    package var isNull: Bool {
        self.value == .null
    }

    package var text: String {
        get throws(RPCError) { try self.read("a string", \.string) ?? "" }
    }

    package var integer: Int64 {
        get throws(RPCError) { try self.read("a whole number of 64 bits", { $0.integer(Int64.self) }) ?? 0 }
    }

    /// Whole numbers are taken, too: PHP writes 1.0 as 1.
    package var number: Double {
        get throws(RPCError) { try self.read("a finite number", \.double) ?? 0 }
    }

    package var elements: [JSONArgument] {
        get throws(RPCError) { try self.read("a list", \.elements)?.map { JSONArgument($0, name: self.name) } ?? [] }
    }

    /// The members of an object whose names are data.
    package var members: [(name: String, value: JSONArgument)] {
        get throws(RPCError) {
            switch self.value {
            case .null: return []
            // An empty array of PHP may be meant as a map.
            case .array(let elements) where elements.isEmpty: return []
            case .object(let members): return members.map { ($0.name, JSONArgument($0.value, name: $0.name)) }
            default: throw self.mismatch("an object")
            }
        }
    }

    private func read<Value>(
        _ expected: String, _ convert: (JSONValue) -> Value?
    ) throws(RPCError) -> Value? {
        guard !self.isNull else { return nil }
        guard let converted = convert(self.value) else { throw self.mismatch(expected) }
        return converted
    }

    private func mismatch(_ expected: String) -> RPCError {
        let digits = if case .number(let number) = self.value { " \(number.text.prefix(40))" } else { "" }
        let found = self.value.kindName + digits
        let place = self.name.isEmpty ? "" : " for \(self.name)"
        return RPCError("json: cannot use \(found)\(place): \(expected) is needed")
    }
}
