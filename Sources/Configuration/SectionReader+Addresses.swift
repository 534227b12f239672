import Addresses
import YAML

extension SectionReader {
    /// Reads an address and notes it; `nil` when it is absent or empty.
    mutating func address(_ key: String) throws(ConfigurationError) -> ListenAddress? {
        guard let (scalar, place) = try scalar(key) else { return nil }
        let text = Self.trimmed(scalar.text)
        guard !text.isEmpty else {
            warnUnset(scalar, key: key, at: place)
            return nil
        }
        do throws(ListenAddress.Fault) {
            let address = try ListenAddress(parsing: text)
            note(key, .text(address.description), from: place)
            return address
        } catch {
            throw place.error(
                error.isOutOfRange ? .outOfRange : .invalidValue,
                error.message,
                key: path(key),
                fix: "use \(ListenAddress.forms)"
            )
        }
    }

    /// Reads a size: a whole number of MB (2^20 bytes), or a text with a unit such as `512KB`. Nothing is noted.
    ///
    /// - Parameter wholeNumbersOver: above this many MB a whole number is bytes, as older versions meant it.
    /// - Returns: bytes, not negative; `nil` when it is absent.
    func size(
        _ key: String,
        bytesOver wholeNumbersOver: Int? = nil
    ) throws(ConfigurationError) -> (bytes: Int, place: SourcePlace)? {
        guard let (scalar, place) = try nonEmptyScalar(key) else { return nil }
        if let (count, unit) = Self.sizeWithUnit(Self.trimmed(scalar.text)) {
            return (try bytes(count, of: unit, key: key, at: place), place)
        }
        guard let (number, _) = try integer(key) else { return nil }
        try check(number, in: 0...Int.max, key: key, at: place)
        if let wholeNumbersOver, number > wholeNumbersOver {
            diagnostics.warn(
                place.warning(
                    "\(number) MB is more than \(wholeNumbersOver): read as \(number) bytes, as older versions did",
                    key: path(key)
                )
            )
            return (try bytes(number, of: 1, key: key, at: place), place)
        }
        return (try bytes(number, of: 1 << 20, key: key, at: place), place)
    }

    private func bytes(_ count: Int, of unit: Int, key: String, at place: SourcePlace) throws(ConfigurationError) -> Int
    {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit)
        // The limit of a frame and of a buffer.
        guard !overflow, bytes <= Self.largestSize else {
            throw place.error(.outOfRange, "the size is too large", key: path(key), fix: "use at most 1 GB")
        }
        return bytes
    }

    private static var largestSize: Int { 1 << 30 }

    private static func sizeWithUnit(_ text: String) -> (Int, Int)? {
        let units: [(String, Int)] = [("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("B", 1)]
        for (name, unit) in units where text.uppercased().hasSuffix(name) {
            let digits = trimmed(String(text.dropLast(name.count)))
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            // Too many digits are a size out of range, not a malformed one.
            return (Int(digits) ?? .max, unit)
        }
        return nil
    }

    /// The spelling of a size in a configuration: whole MB if possible, else bytes.
    static func sizeText(_ bytes: Int) -> EffectiveScalar {
        bytes % (1 << 20) == 0 && bytes >> 20 <= 100 ? .integer(bytes >> 20) : .text("\(bytes)B")
    }
}
