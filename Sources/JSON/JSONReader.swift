extension JSONValue {
    /// Why a text is not JSON.
    package struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        /// Bytes before the fault.
        package var offset: Int

        package var description: String {
            "the JSON is malformed at byte \(self.offset)"
        }
    }

    /// The deepest nesting of lists and objects: each level takes a level of the stack.
    package static let depthLimit = 128

    /// Reads a text of one value, with nothing but white space around it. Strings must be valid UTF-8.
    package init(parsing bytes: some Sequence<UInt8>) throws(Malformed) {
        self = try Self.parse(bytes).get()
    }

    private static func parse(_ bytes: some Sequence<UInt8>) -> Result<JSONValue, Malformed> {
        bytes.withContiguousStorageIfAvailable { JSONReader.read($0) }
            ?? Array(bytes).withUnsafeBufferPointer { JSONReader.read($0) }
    }
}

/// Lives no longer than the bytes that it reads.
private struct JSONReader {
    private typealias Malformed = JSONValue.Malformed

    private let bytes: UnsafeBufferPointer<UInt8>
    /// Never beyond the end.
    private var position = 0

    static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONValue.Malformed> {
        var reader = JSONReader(bytes: bytes)
        do throws(Malformed) {
            reader.skipSpace()
            let value = try reader.value(depth: 0)
            guard reader.position == bytes.count else { throw reader.malformed }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    private var malformed: Malformed {
        Malformed(offset: self.position)
    }

    private var next: UInt8? {
        self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    /// Reads a value and the white space after it.
    private mutating func value(depth: Int) throws(Malformed) -> JSONValue {
        guard depth < JSONValue.depthLimit, let first = self.next else { throw self.malformed }
        switch Unicode.Scalar(first) {
        case "{": return .object(try self.object(depth: depth))
        case "[":
            var elements: [JSONValue] = []
            try self.elements(from: "[", to: "]") { reader throws(Malformed) in
                elements.append(try reader.value(depth: depth + 1))
            }
            return .array(elements)
        case "\"": return .string(try self.string())
        case "t": return try self.word("true", .bool(true))
        case "f": return try self.word("false", .bool(false))
        case "n": return try self.word("null", .null)
        default: return .number(try self.number())
        }
    }

    private mutating func object(depth: Int) throws(Malformed) -> [JSONMember] {
        var members: [JSONMember] = []
        try self.elements(from: "{", to: "}") { reader throws(Malformed) in
            let name = try reader.string()
            try reader.expect(":")
            members.append(JSONMember(name, try reader.value(depth: depth + 1)))
        }
        return members
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

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Malformed) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            guard self.take(Unicode.Scalar(word.utf8Start[index])) else { throw self.malformed }
        }
        self.skipSpace()
        return value
    }

    private mutating func number() throws(Malformed) -> JSONNumber {
        let start = self.position
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
        let text = String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        self.skipSpace()
        return JSONNumber(text: text)
    }

    private mutating func digits() throws(Malformed) {
        let start = self.position
        while let next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) {
            self.position += 1
        }
        guard self.position > start else { throw self.malformed }
    }

    /// Reads a string and the white space after it.
    private mutating func string() throws(Malformed) -> String {
        guard self.take("\"") else { throw self.malformed }
        var text = ""
        while true {
            let plain = try self.plainText()
            // Most strings are one piece.
            text = text.isEmpty ? plain : text + plain
            if self.accept("\"") { return text }
            guard self.take("\\") else { throw self.malformed }
            text.unicodeScalars.append(try self.escaped())
        }
    }

    private mutating func plainText() throws(Malformed) -> String {
        let start = self.position
        while let next, next >= 0x20, next != UInt8(ascii: "\""), next != UInt8(ascii: "\\") {
            self.position += 1
        }
        guard let text = String(validating: self.bytes[start..<self.position], as: UTF8.self) else {
            throw Malformed(offset: start)
        }
        return text
    }

    private mutating func escaped() throws(Malformed) -> Unicode.Scalar {
        guard let byte = self.next else { throw self.malformed }
        self.position += 1
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
                guard self.take("\\"), self.take("u") else { throw self.malformed }
                units.append(try self.hexadecimal())
            }
            // An unpaired surrogate is not text.
            guard let text = String(validating: units, as: UTF16.self), let scalar = text.unicodeScalars.first else {
                throw self.malformed
            }
            return scalar
        default: throw self.malformed
        }
    }

    private mutating func hexadecimal() throws(Malformed) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = self.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw self.malformed
            }
            self.position += 1
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(Malformed) {
        guard self.accept(scalar) else { throw self.malformed }
    }

    /// Consumes a scalar, if it is next, and the white space after it.
    private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
        guard self.take(scalar) else { return false }
        self.skipSpace()
        return true
    }

    @discardableResult
    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard self.next == UInt8(ascii: scalar) else { return false }
        self.position += 1
        return true
    }

    private mutating func skipSpace() {
        while let next, next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 {
            self.position += 1
        }
    }
}
