/// The numbers that `increment` reads and writes: decimal, as Redis has them, so that all drivers agree.
package enum StoredInteger {
    /// - Returns: `nil` unless the bytes are what ``text(_:)`` writes: no plus sign, no leading zeros, no blanks.
    package static func parse(_ bytes: some Sequence<UInt8>) -> Int64? {
        var iterator = bytes.makeIterator()
        guard var digit = iterator.next() else { return nil }
        let isNegative = digit == UInt8(ascii: "-")
        if isNegative {
            guard let first = iterator.next(), first != UInt8(ascii: "0") else { return nil }
            digit = first
        }
        guard Self.isDigit(digit) else { return nil }
        // Negative numbers reach one further than positive ones.
        var number = -Int64(digit - UInt8(ascii: "0"))
        while let next = iterator.next() {
            guard number != 0, Self.isDigit(next) else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflowOfSum) = product.subtractingReportingOverflow(Int64(next - UInt8(ascii: "0")))
            guard !overflow, !overflowOfSum else { return nil }
            number = sum
        }
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    package static func text(_ number: Int64) -> String {
        String(number)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}
