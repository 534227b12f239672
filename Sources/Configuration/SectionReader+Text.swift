import YAML

extension SectionReader {
    /// Reads a text; empty counts as absent, as in RoadRunner.
    ///
    /// - Returns: `nil` when it is absent; nothing is noted then.
    package mutating func text(_ key: String) throws(ConfigurationError) -> String? {
        guard let (scalar, place) = try scalar(key) else { return nil }
        let text = scalar.text
        guard !text.isEmpty else {
            warnUnset(scalar, key: key, at: place)
            return nil
        }
        note(key, .text(text), from: place)
        return text
    }

    /// Reads one of a few words; case does not matter.
    ///
    /// - Parameter aliases: other spellings.
    /// - Returns: `nil` when it is absent; nothing is noted then.
    mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ key: String,
        of type: Choice.Type = Choice.self,
        aliases: [String: Choice] = [:]
    ) throws(ConfigurationError) -> Choice? {
        guard let (scalar, place) = try scalar(key) else { return nil }
        let text = scalar.text.lowercased()
        guard !text.isEmpty else {
            warnUnset(scalar, key: key, at: place)
            return nil
        }
        guard let choice = Choice(rawValue: text) ?? aliases[text] else {
            let words = Choice.allCases.map(\.rawValue)
            let guess = Suggestion.closest(to: text, among: words).map { "did you mean `\($0)`? " } ?? ""
            throw place.error(
                .invalidValue,
                "`\(scalar.text)` is not known",
                key: path(key),
                fix: "\(guess)use one of \(words.joined(separator: ", "))"
            )
        }
        note(key, .text(choice.rawValue), from: place)
        return choice
    }

    /// Warns that a value is empty only because a variable is not set.
    package func warnUnset(_ scalar: SourceScalar, key: String, at place: SourcePlace) {
        guard let variable = scalar.unset.first else { return }
        diagnostics.warn(
            place.warning(
                "the variable `\(variable)` is not set and has no default: as if the key were absent", key: path(key))
        )
    }

    /// Warns that a part of a value is missing because variables are empty. Only their names are printed.
    ///
    /// - Parameter path: The whole path of the key.
    func warnEmpty(_ scalar: SourceScalar, key path: String, at place: SourcePlace) {
        guard let first = scalar.unset.first else { return }
        let names = scalar.unset.map { "`\($0)`" }.joined(separator: ", ")
        let what = scalar.unset.count == 1 ? "the variable \(names) is" : "the variables \(names) are"
        diagnostics.warn(
            place.warning("\(what) unset or empty; write `${\(first):-}` where that is meant", key: path)
        )
    }
}

extension SourceScalar {
    /// The value converted to text as by RoadRunner's weak decoding: `true` becomes `1`, `0x10` becomes `16`.
    package var text: String {
        switch scalar.resolved {
        case .null: ""
        case .bool(let flag): flag ? "1" : "0"
        case .integer(let number): String(number)
        case .float(let number): Self.text(of: number)
        case .text(let text): text
        }
    }

    /// As Go's `strconv.FormatFloat(number, 'f', -1, 64)` for numbers of usual size.
    private static func text(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        if let integer = Int(exactly: number) { return String(integer) }
        return String(number)
    }
}
