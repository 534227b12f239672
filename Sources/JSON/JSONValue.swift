import Text

/// A JSON value (RFC 8259).
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    /// In the order of the text, repeated names included.
    case object([JSONMember])
}

/// One name and its value in an object.
package struct JSONMember: Sendable, Hashable {
    package var name: String
    package var value: JSONValue

    package init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

/// A number as it was written: nothing of a large one is lost.
package struct JSONNumber: Sendable, Hashable {
    package let text: String

    init(text: String) {
        self.text = text
    }

    package init(_ value: some FixedWidthInteger) {
        self.text = String(value)
    }

    /// - Returns: `nil` for infinity and NaN, which JSON does not have.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        self.text = "\(value)"
    }
}

extension JSONValue {
    /// The kind of the value, for messages.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    package static func integer(_ value: some FixedWidthInteger) -> JSONValue {
        .number(JSONNumber(value))
    }

    package static func base64(_ bytes: [UInt8]) -> JSONValue {
        .string(Base64.encode(bytes))
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// A whole number in the range of the type; `nil` for one with a fraction or an exponent, as in Go.
    package func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Int.self) -> Integer? {
        if case .number(let number) = self { Integer(number.text) } else { nil }
    }

    /// Any number in the range of a double.
    package var double: Double? {
        guard case .number(let number) = self, let value = Double(number.text), value.isFinite else { return nil }
        return value
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var elements: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The bytes of a string in base64.
    package var base64: [UInt8]? {
        self.string.flatMap { Base64.decode($0) }
    }

    /// The value of the last member of exactly that name; `nil` without one, or if this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// As the subscript above, but without regard to the case of ASCII letters: the way Go's decoder finds a member.
    package subscript(inAnyCase name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name.isSame(as: name) }?.value
    }
}

extension String {
    fileprivate func isSame(as other: String) -> Bool {
        self.utf8.count == other.utf8.count && zip(self.utf8, other.utf8).allSatisfy { $0.lowercased == $1.lowercased }
    }
}

extension UInt8 {
    fileprivate var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
