import KeyValue
import Text

/// In the words of Go's `time.ParseError`.
struct RFC3339Error: Error, Equatable {
    let text: String

    private static let layout = #""2006-01-02T15:04:05Z07:00""#

    init(value: UnsafeRawBufferPointer, rest: UnsafeRawBufferPointer.SubSequence, expected: String) {
        self.text =
            "parsing time \(Self.quote(value[...])) as \(Self.layout): cannot parse \(Self.quote(rest)) as \"\(expected)\""
    }

    init(value: UnsafeRawBufferPointer, outOfRange part: String) {
        self.text = "parsing time \(Self.quote(value[...])): \(part) out of range"
    }

    init(value: UnsafeRawBufferPointer, extra rest: UnsafeRawBufferPointer.SubSequence) {
        self.text = "parsing time \(Self.quote(value[...])): extra text: \(Self.quote(rest))"
    }

    /// Bounded: a client may send megabytes as a time.
    private static func quote(_ bytes: UnsafeRawBufferPointer.SubSequence) -> String {
        var text = "\""
        for byte in bytes.prefix(128) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7F: text += String(UnicodeScalar(byte))
            default: text += "\\x" + byte.hexadecimal
            }
        }
        return text + (bytes.count > 128 ? "…" : "") + "\""
    }
}

/// Reads one time, in the steps of Go's `time.Parse` and as leniently: an hour may have one digit.
struct RFC3339Reader {
    private let value: UnsafeRawBufferPointer
    private var rest: UnsafeRawBufferPointer.SubSequence

    init(_ value: UnsafeRawBufferPointer) {
        self.value = value
        self.rest = value[...]
    }

    mutating func read() throws(RFC3339Error) -> UnixMilliseconds {
        let year = try self.year()
        try self.skip("-")
        let month = try self.number("01", 1...12, "month")
        try self.skip("-")
        // Go judges the day when all has been read.
        let day = try self.number("02", 0...99, "day")
        try self.skip("T")
        let hour = try self.number("15", 0...23, "hour", mayBeShort: true)
        try self.skip(":")
        let minute = try self.number("04", 0...59, "minute")
        try self.skip(":")
        let second = try self.number("05", 0...59, "second")
        let milliseconds = self.fraction()
        let offset = try self.offset()
        guard self.rest.isEmpty else { throw RFC3339Error(value: self.value, extra: self.rest) }
        guard (1...CivilDate.dayCount(year: year, month: month)).contains(day) else {
            throw RFC3339Error(value: self.value, outOfRange: "day")
        }
        let days = CivilDate.days(year: year, month: month, day: day)
        return ((days * 24 + hour) * 60 + minute - offset) * 60_000 + second * 1000 + milliseconds
    }

    private mutating func year() throws(RFC3339Error) -> Int64 {
        guard self.rest.count >= 4, self.rest.prefix(4).allSatisfy(Self.isDigit) else {
            throw RFC3339Error(value: self.value, rest: self.rest, expected: "2006")
        }
        let year = self.rest.prefix(4).reduce(0) { $0 * 10 + Self.digit($1) }
        self.rest = self.rest.dropFirst(4)
        return year
    }

    private mutating func skip(_ scalar: Unicode.Scalar) throws(RFC3339Error) {
        guard self.rest.first == UInt8(ascii: scalar) else {
            throw RFC3339Error(value: self.value, rest: self.rest, expected: String(scalar))
        }
        self.rest = self.rest.dropFirst()
    }

    private mutating func number(
        _ layout: String, _ range: ClosedRange<Int64>, _ name: String, mayBeShort: Bool = false
    ) throws(RFC3339Error) -> Int64 {
        guard let first = self.rest.first, Self.isDigit(first) else {
            throw RFC3339Error(value: self.value, rest: self.rest, expected: layout)
        }
        var number = Self.digit(first)
        let second = self.rest.dropFirst().first
        if let second, Self.isDigit(second) {
            number = number * 10 + Self.digit(second)
            self.rest = self.rest.dropFirst(2)
        } else if mayBeShort {
            self.rest = self.rest.dropFirst()
        } else {
            throw RFC3339Error(value: self.value, rest: self.rest, expected: layout)
        }
        guard range.contains(number) else { throw RFC3339Error(value: self.value, outOfRange: name) }
        return number
    }

    /// A fraction of the second in milliseconds, the rest cut off; 0 without one.
    private mutating func fraction() -> Int64 {
        guard let mark = self.rest.first, mark == UInt8(ascii: ".") || mark == UInt8(ascii: ","),
            let first = self.rest.dropFirst().first, Self.isDigit(first)
        else { return 0 }
        let digits = self.rest.dropFirst().prefix(while: Self.isDigit)
        self.rest = self.rest.dropFirst(1 + digits.count)
        let (hundreds, tens, ones) = (digits.first, digits.dropFirst().first, digits.dropFirst(2).first)
        return (hundreds.map(Self.digit) ?? 0) * 100 + (tens.map(Self.digit) ?? 0) * 10 + (ones.map(Self.digit) ?? 0)
    }

    /// The zone's minutes east of UTC.
    private mutating func offset() throws(RFC3339Error) -> Int64 {
        if self.rest.first == UInt8(ascii: "Z") {
            self.rest = self.rest.dropFirst()
            return 0
        }
        let text = self.rest.prefix(6)
        let start = text.startIndex
        guard text.count == 6, text[start + 3] == UInt8(ascii: ":"),
            let hours = Self.pair(text[start + 1], text[start + 2]),
            let minutes = Self.pair(text[start + 4], text[start + 5])
        else {
            throw RFC3339Error(value: self.value, rest: self.rest, expected: "Z07:00")
        }
        // As Go has it: some do write offsets of 24 hours.
        guard hours <= 24 else { throw RFC3339Error(value: self.value, outOfRange: "time zone offset hour") }
        guard minutes <= 60 else { throw RFC3339Error(value: self.value, outOfRange: "time zone offset minute") }
        let isWest: Bool
        switch text.first {
        case UInt8(ascii: "+"): isWest = false
        case UInt8(ascii: "-"): isWest = true
        default: throw RFC3339Error(value: self.value, rest: self.rest, expected: "Z07:00")
        }
        self.rest = self.rest.dropFirst(6)
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func pair(_ tens: UInt8, _ ones: UInt8) -> Int64? {
        Self.isDigit(tens) && Self.isDigit(ones) ? Self.digit(tens) * 10 + Self.digit(ones) : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private static func digit(_ byte: UInt8) -> Int64 {
        Int64(byte - UInt8(ascii: "0"))
    }
}
