/// Durations as Go writes and reads them (`time.ParseDuration`, `Duration.String`).
package enum GoDuration {
    enum Fault: Error, Equatable {
        /// Not a duration at all.
        case malformed
        /// Digits without a unit.
        case missingUnit
        case unknownUnit(String)
        /// Beyond ±292 years, the range of 64 bits of nanoseconds.
        case overflow
    }

    /// Nanoseconds of each unit; both the micro sign and the Greek letter are accepted.
    private static let units: [String: UInt64] = [
        "ns": 1,
        "us": 1_000, "\u{B5}s": 1_000, "\u{3BC}s": 1_000,
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "m": 60_000_000_000,
        "h": 3_600_000_000_000,
    ]

    /// Reads `[-+]?([0-9]*(\.[0-9]*)?UNIT)+` or `0`, such as `1h30m`, `-1.5s`, `250ms`.
    ///
    /// - Returns: nanoseconds.
    static func parse(_ text: String) throws(Fault) -> Int64 {
        var rest = text.utf8[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard !rest.isEmpty else { throw .malformed }
        if rest.elementsEqual("0".utf8) { return 0 }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let part = try component(&rest)
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow, sum <= UInt64(Int64.max) + 1 else { throw .overflow }
            total = sum
        }
        if isNegative { return total == UInt64(Int64.max) + 1 ? Int64.min : -Int64(total) }
        guard let result = Int64(exactly: total) else { throw .overflow }
        return result
    }

    /// One number with its unit, in nanoseconds.
    private static func component(_ rest: inout Substring.UTF8View) throws(Fault) -> UInt64 {
        let whole = rest.prefix(while: isDigit)
        rest = rest[whole.endIndex...]
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest[fraction.endIndex...]
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw .malformed }
        let name = rest.prefix { $0 != UInt8(ascii: ".") && !isDigit($0) }
        rest = rest[name.endIndex...]
        let unitName = String(Substring(name))
        guard !unitName.isEmpty else { throw .missingUnit }
        guard let unit = units[unitName] else { throw .unknownUnit(unitName) }
        var nanoseconds: UInt64 = 0
        if !whole.isEmpty {
            guard let count = UInt64(Substring(whole)) else { throw .overflow }
            let (product, overflow) = count.multipliedReportingOverflow(by: unit)
            guard !overflow, product <= UInt64(Int64.max) + 1 else { throw .overflow }
            nanoseconds = product
        }
        return nanoseconds + fractionOfUnit(fraction, unit: unit)
    }

    /// Digits after the point, computed as in Go; fractions of a nanosecond are cut off.
    private static func fractionOfUnit(_ digits: Substring.UTF8View, unit: UInt64) -> UInt64 {
        var value: UInt64 = 0
        var scale = 1.0
        // Eighteen digits fit into 64 bits; more change nothing.
        for digit in digits.prefix(18) {
            value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
            scale *= 10
        }
        return UInt64(Double(value) * (Double(unit) / scale))
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

extension GoDuration {
    /// Writes nanoseconds as Go does: `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`.
    static func format(nanoseconds: Int64) -> String {
        let magnitude = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        switch magnitude {
        case 0: return "0s"
        case ..<1_000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return sign + decimal(magnitude, unit: 1_000) + "\u{B5}s"
        case ..<1_000_000_000: return sign + decimal(magnitude, unit: 1_000_000) + "ms"
        default:
            let (minutes, rest) = magnitude.quotientAndRemainder(dividingBy: 60_000_000_000)
            var text = sign
            if minutes >= 60 { text += "\(minutes / 60)h" }
            if minutes > 0 { text += "\(minutes % 60)m" }
            return text + decimal(rest, unit: 1_000_000_000) + "s"
        }
    }

    /// Writes a `Duration`; beyond 64 bits of nanoseconds it is clamped.
    static func format(_ duration: Duration) -> String {
        format(nanoseconds: nanoseconds(duration))
    }

    static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// `value / unit` with as many digits as it has; `unit` is a power of ten.
    private static func decimal(_ value: UInt64, unit: UInt64) -> String {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        guard rest > 0 else { return "\(whole)" }
        // Adding `unit` puts a 1 in front, which keeps the zeros after the point.
        var digits = "\(unit + rest)".dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}
