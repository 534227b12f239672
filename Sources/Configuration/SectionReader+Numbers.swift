import YAML

extension SectionReader {
    /// Reads a whole number; text that is one converts, an empty one counts as absent and is reported.
    ///
    /// - Returns: `nil` when it is absent; nothing is noted.
    package func integer(_ key: String) throws(ConfigurationError) -> (number: Int, place: SourcePlace)? {
        guard let (scalar, place) = try nonEmptyScalar(key) else { return nil }
        switch scalar.scalar.resolved {
        case .integer(let number):
            return (number, place)
        case .float(let number):
            if let whole = Int(exactly: number) { return (whole, place) }
            // A number beyond 64 bits is out of range, not of the wrong type.
            guard abs(number) < 9e18 || !number.isFinite else {
                throw place.error(.outOfRange, "\(scalar.scalar.text) is too large", key: path(key))
            }
        case .text(let text):
            switch YAMLScalar(text: Self.trimmed(text), kind: .implicit).resolved {
            case .integer(let number): return (number, place)
            case .float(let number) where abs(number) >= 9e18 && number.isFinite:
                throw place.error(.outOfRange, "\(text) is too large", key: path(key))
            default: break
            }
        case .null, .bool:
            break
        }
        throw place.error(.invalidValue, "`\(scalar.scalar.text)` is not a whole number", key: path(key))
    }

    /// Converts a text, which may have a fraction.
    func number(_ text: String, key: String, at place: SourcePlace) throws(ConfigurationError) -> Double {
        switch YAMLScalar(text: Self.trimmed(text), kind: .implicit).resolved {
        case .integer(let number): return Double(number)
        case .float(let number) where !number.isNaN: return number
        default: throw place.error(.invalidValue, "`\(text)` is not a number", key: key)
        }
    }

    package func check(
        _ number: Int,
        in range: ClosedRange<Int>,
        key: String,
        at place: SourcePlace
    ) throws(ConfigurationError) {
        guard !range.contains(number) else { return }
        let message = number < 0 && range.lowerBound >= 0 ? "\(number) is negative" : "\(number) is not allowed"
        let upper = range.upperBound == .max ? " or more" : "...\(range.upperBound)"
        throw place.error(.outOfRange, message, key: path(key), fix: "use \(range.lowerBound)\(upper)")
    }

    /// Reads a boolean and notes it: `true`, `1`, `yes`, `on`, `t`, `y` and their opposites, in any case.
    ///
    /// RoadRunner refuses `yes` and `on`; they are booleans in YAML 1.1 and to the people who write them.
    ///
    /// - Returns: `nil` when it is absent; nothing is noted then.
    mutating func bool(_ key: String) throws(ConfigurationError) -> Bool? {
        guard let (scalar, place) = try nonEmptyScalar(key) else { return nil }
        let flag: Bool
        switch Self.trimmed(scalar.text).lowercased() {
        case "1", "t", "true", "y", "yes", "on": flag = true
        case "0", "f", "false", "n", "no", "off": flag = false
        default:
            throw place.error(
                .invalidValue,
                "`\(scalar.scalar.text)` is neither true nor false",
                key: path(key),
                fix: "use true or false"
            )
        }
        note(key, .bool(flag), from: place)
        return flag
    }

    /// The scalar of a key; an empty text counts as absent, with a warning.
    package func nonEmptyScalar(_ key: String) throws(ConfigurationError) -> (scalar: SourceScalar, place: SourcePlace)?
    {
        guard let found = try scalar(key) else { return nil }
        guard Self.trimmed(found.scalar.text).isEmpty else { return found }
        if found.scalar.unset.isEmpty {
            diagnostics.warn(found.place.warning("the value is empty: the key counts as absent", key: path(key)))
        } else {
            warnUnset(found.scalar, key: key, at: found.place)
        }
        return nil
    }

    package static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
