extension SectionReader {
    /// Reads a list of texts; a text splits on commas (docs/configuration.md). Empty items are left out.
    ///
    /// - Returns: `nil` when it is absent or empty; nothing is noted then.
    package mutating func list(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let value = value(key) else { return nil }
        let items: [String]
        switch value.content {
        case .scalar(let scalar):
            try requireText(scalar, key: path(key), at: value.place)
            items = scalar.text.split(separator: ",").map { Self.trimmed(String($0)) }
        case .sequence: items = try texts(of: value, key: key)
        case .mapping: throw value.place.error(.invalidValue, "a list is expected here", key: path(key))
        }
        let list = items.filter { !$0.isEmpty }
        guard !list.isEmpty else { return nil }
        note(key, list.map { .text($0) }, from: value.place)
        return list
    }

    /// Reads a list of numbers; a text splits on commas. Empty items are left out.
    ///
    /// - Returns: `nil` when it is absent or empty; nothing is noted then.
    mutating func numbers(_ key: String) throws(ConfigurationError) -> [Double]? {
        var unnoted = self
        guard let value = value(key), let texts = try unnoted.list(key) else { return nil }
        var numbers: [Double] = []
        for text in texts { numbers.append(try number(text, key: path(key), at: value.place)) }
        note(key, texts.map { .text($0) }, from: value.place)
        return numbers
    }

    /// Reads a command: a text is split as a shell would, a list is taken as it is, a list of one is split
    /// (docs/protocol.md). Values from variables are noted as secrets.
    ///
    /// - Returns: empty when it is absent; nothing is noted then.
    mutating func command(_ key: String) throws(ConfigurationError) -> [String] {
        guard let value = value(key) else { return [] }
        let scalars: [(scalar: SourceScalar, place: SourcePlace)]
        switch value.content {
        case .scalar(let scalar):
            try requireText(scalar, key: path(key), at: value.place)
            scalars = [(scalar, value.place)]
        case .sequence:
            scalars = try self.scalars(of: value, key: key)
        case .mapping:
            throw value.place.error(.invalidValue, "a command is a text or a list", key: path(key))
        }
        var words = scalars.map(\.scalar.text)
        if words.count == 1 { words = try split(words[0], key: key, at: scalars[0].place) }
        guard let program = words.first else {
            if let (scalar, place) = scalars.first { warnUnset(scalar, key: key, at: place) }
            return []
        }
        guard !program.isEmpty else {
            throw value.place.error(.invalidValue, "the name of the program is empty", key: path(key))
        }
        guard !words.contains(where: { $0.utf8.contains(0) }) else {
            throw value.place.error(.invalidValue, "a command cannot hold a NUL", key: path(key))
        }
        for (scalar, place) in scalars { warnEmpty(scalar, key: path(key), at: place) }
        noteCommand(key, words, of: scalars.map(\.scalar), from: value.place)
        return words
    }

    /// Notes the command in a form that reads back as the same words: a list of one would be split again.
    private mutating func noteCommand(
        _ key: String, _ words: [String], of scalars: [SourceScalar], from place: SourcePlace
    ) {
        guard scalars.allSatisfy({ $0.reference == nil }), words.count > 1 else {
            return note(key, scalars.map { .text($0.text).hidden(behind: $0.reference) }, from: place)
        }
        note(key, words.map { .text($0) }, from: place)
    }

    private func split(_ text: String, key: String, at place: SourcePlace) throws(ConfigurationError) -> [String] {
        do throws(ShellWords.Fault) {
            return try ShellWords.split(text)
        } catch {
            switch error {
            case .unterminatedQuote(let quote):
                throw place.error(
                    .invalidValue,
                    "the quote \(quote) is never closed",
                    key: path(key),
                    fix: "close it, or give the command as a list"
                )
            case .trailingBackslash:
                throw place.error(.invalidValue, "the command ends with a backslash", key: path(key), fix: "remove it")
            }
        }
    }

    private func texts(of value: SourceValue, key: String) throws(ConfigurationError) -> [String] {
        try scalars(of: value, key: key).map(\.scalar.text)
    }

    private func scalars(
        of value: SourceValue,
        key: String
    ) throws(ConfigurationError) -> [(scalar: SourceScalar, place: SourcePlace)] {
        guard case .sequence(let items) = value.content else { return [] }
        var scalars: [(scalar: SourceScalar, place: SourcePlace)] = []
        for item in items {
            guard case .scalar(let scalar) = item.content else {
                throw item.place.error(.invalidValue, "a text is expected in this list", key: path(key))
            }
            try requireText(scalar, key: path(key), at: item.place)
            scalars.append((scalar, item.place))
        }
        return scalars
    }
}
