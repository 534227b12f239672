extension YAMLScalar {
    /// The value as Go's yaml.v3 reads it into a generic map, as in RoadRunner (docs/configuration.md).
    ///
    /// - null: nothing, `~`, `null`, `Null`, `NULL`.
    /// - booleans: `true`, `True`, `TRUE` and the same of false. `yes`, `on`, `no` and `off` are text.
    /// - integers: decimal, `0x`, `0o`, `0b`, octal with a leading zero, with a sign, with `_` anywhere.
    /// - floats: decimal with a fraction or an exponent, `.inf` with a sign, `.nan`; integers beyond 64 bits.
    /// - anything else, dates included: text.
    package var resolved: YAMLValue {
        switch kind {
        case .text, .binary: .text(text)
        case .implicit: Self.resolve(text)
        }
    }

    static func resolve(_ text: String) -> YAMLValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        default: return number(text) ?? .text(text)
        }
    }

    private static func number(_ text: String) -> YAMLValue? {
        guard let first = text.utf8.first, isDigit(first) || "+-.".utf8.contains(first) else { return nil }
        let digits = text.utf8.contains(UInt8(ascii: "_")) ? text.filter { $0 != "_" } : text
        if let integer = parseInteger(digits) { return .integer(integer) }
        guard isDecimalFloat(digits), let double = Double(digits) else { return nil }
        return .float(double)
    }

    /// Reads an integer as Go's `strconv.ParseInt(text, 0, 64)` does, without `_`.
    ///
    /// - Returns: `nil` if the text is not an integer of 64 bits.
    package static func parseInteger(_ text: String) -> Int? {
        var rest = text[...]
        var sign = ""
        if let first = rest.first, first == "+" || first == "-" {
            sign = first == "-" ? "-" : ""
            rest = rest.dropFirst()
        }
        guard let first = rest.utf8.first, isDigit(first) else { return nil }
        var radix = 10
        if first == UInt8(ascii: "0"), rest.utf8.count > 1 {
            switch rest.utf8.dropFirst().first {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (radix, rest) = (16, rest.dropFirst(2))
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (radix, rest) = (8, rest.dropFirst(2))
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (radix, rest) = (2, rest.dropFirst(2))
            default: (radix, rest) = (8, rest.dropFirst())
            }
        }
        // `Int(_:radix:)` would take a second sign.
        guard let next = rest.utf8.first, next != UInt8(ascii: "+"), next != UInt8(ascii: "-") else { return nil }
        return Int(sign + rest, radix: radix)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the form that yaml.v3 takes for a float.
    private static func isDecimalFloat(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func skipDigits() -> Int {
            let before = rest.count
            rest = rest.drop(while: isDigit)
            return before - rest.count
        }
        if let first = rest.first, first == UInt8(ascii: "+") || first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let whole = skipDigits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard skipDigits() > 0 || whole > 0 else { return false }
        } else if whole == 0 {
            return false
        }
        if let exponent = rest.first, exponent == UInt8(ascii: "e") || exponent == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard skipDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
