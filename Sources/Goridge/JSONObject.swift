/// The fields of a JSON object (RFC 8259). Nested values are validated and discarded.
///
/// Workers send control messages of one field when they start or reply to a probe: Foundation's decoder would cost
/// megabytes and many allocations for these.
struct JSONObject {
    enum Value: Hashable {
        case null
        case bool(Bool)
        case string(String)
        case nested
        /// As it was written.
        case number(Substring)
    }

    /// By name; the last value of a repeated name wins.
    private(set) var fields: [String: Value] = [:]

    /// - Returns: `nil` unless the text is one object, with nothing but white space around it.
    init?(_ text: String) {
        var reader = JSONReader(text)
        do throws(JSONReader.Malformed) {
            try reader.object(depth: 0) { self.fields[$0] = $1 }
            try reader.end()
        } catch {
            return nil
        }
    }
}

private struct JSONReader {
    struct Malformed: Error {}

    /// The deepest nesting: each level takes a level of the stack.
    private static let depthLimit = 128

    private var rest: Substring.UTF8View

    init(_ text: String) {
        self.rest = text[...].utf8
        self.skipSpace()
    }

    /// Reads the content of an object and the white space after it.
    mutating func object(depth: Int, field: (String, JSONObject.Value) -> Void) throws(Malformed) {
        try self.elements(from: "{", to: "}") { reader throws(Malformed) in
            let name = try reader.string()
            try reader.expect(":")
            field(name, try reader.value(depth: depth + 1))
        }
    }

    func end() throws(Malformed) {
        guard self.rest.isEmpty else { throw Malformed() }
    }

    private mutating func value(depth: Int) throws(Malformed) -> JSONObject.Value {
        guard depth < Self.depthLimit, let first = self.rest.first else { throw Malformed() }
        switch Unicode.Scalar(first) {
        case "{":
            try self.object(depth: depth) { _, _ in }
            return .nested
        case "[":
            try self.elements(from: "[", to: "]") { reader throws(Malformed) in _ = try reader.value(depth: depth + 1) }
            return .nested
        case "\"": return .string(try self.string())
        case "t": return try self.word("true", .bool(true))
        case "f": return try self.word("false", .bool(false))
        case "n": return try self.word("null", .null)
        default: return .number(try self.number())
        }
    }

    private mutating func elements(
        from opening: Unicode.Scalar,
        to closing: Unicode.Scalar,
        element: (inout JSONReader) throws(Malformed) -> Void
    ) throws(Malformed) {
        try self.expect(opening)
        if self.accept(closing) { return }
        repeat {
            try element(&self)
        } while self.accept(",")
        try self.expect(closing)
    }

    private mutating func word(_ word: String, _ value: JSONObject.Value) throws(Malformed) -> JSONObject.Value {
        guard self.rest.starts(with: word.utf8) else { throw Malformed() }
        self.rest.removeFirst(word.utf8.count)
        self.skipSpace()
        return value
    }

    private mutating func number() throws(Malformed) -> Substring {
        let start = self.rest
        self.take("-")
        if !self.take("0") {
            try self.digits()
        }
        if self.take(".") {
            try self.digits()
        }
        if self.take("e") || self.take("E") {
            if !self.take("+") { self.take("-") }
            try self.digits()
        }
        let text = Substring(start[..<self.rest.startIndex])
        self.skipSpace()
        return text
    }

    private mutating func digits() throws(Malformed) {
        let digits = self.rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { throw Malformed() }
        self.rest = self.rest[digits.endIndex...]
    }

    private mutating func string() throws(Malformed) -> String {
        guard self.take("\"") else { throw Malformed() }
        var text = ""
        while true {
            let plain = self.rest.prefix { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            text += Substring(plain)
            self.rest = self.rest[plain.endIndex...]
            if self.accept("\"") { return text }
            guard self.take("\\") else { throw Malformed() }
            text.unicodeScalars.append(try self.escaped())
        }
    }

    private mutating func escaped() throws(Malformed) -> Unicode.Scalar {
        guard let byte = self.rest.popFirst() else { throw Malformed() }
        switch Unicode.Scalar(byte) {
        case "b": return "\u{8}"
        case "f": return "\u{c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "\"", "\\", "/": return Unicode.Scalar(byte)
        case "u":
            var units = [try self.hexadecimal()]
            if UTF16.isLeadSurrogate(units[0]) {
                guard self.take("\\"), self.take("u") else { throw Malformed() }
                units.append(try self.hexadecimal())
            }
            // An unpaired surrogate is not text.
            guard let text = String(validating: units, as: UTF16.self), let scalar = text.unicodeScalars.first else {
                throw Malformed()
            }
            return scalar
        default: throw Malformed()
        }
    }

    private mutating func hexadecimal() throws(Malformed) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = self.rest.popFirst(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw Malformed()
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(Malformed) {
        guard self.accept(scalar) else { throw Malformed() }
    }

    /// Consumes a scalar, if it is next, and the white space after it.
    private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
        guard self.take(scalar) else { return false }
        self.skipSpace()
        return true
    }

    @discardableResult
    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard self.rest.first == UInt8(ascii: scalar) else { return false }
        self.rest.removeFirst()
        return true
    }

    private mutating func skipSpace() {
        self.rest = self.rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }
}
