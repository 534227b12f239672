extension SectionReader {
    /// Reads a list of texts; a text splits on commas (docs/configuration.md). Empty items are left out.
    ///
    /// - Returns: `nil` when it is absent or empty; nothing is noted then.
    mutating func list(_ key: String) throws(ConfigurationError) -> [String]? {
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

    /// Reads a command: a text is split as a shell would, a list is taken as it is, a list of one is split
    /// (docs/protocol.md).
    ///
    /// - Returns: empty when it is absent; nothing is noted then.
    mutating func command(_ key: String) throws(ConfigurationError) -> [String] {
        guard let value = value(key) else { return [] }
        var words: [String]
        switch value.content {
        case .scalar(let scalar):
            try requireText(scalar, key: path(key), at: value.place)
            words = try split(scalar.text, key: key, at: value.place)
            if words.isEmpty { warnUnset(scalar, key: key, at: value.place) }
        case .sequence(let items):
            words = try texts(of: value, key: key)
            if words.count == 1 { words = try split(words[0], key: key, at: items[0].place) }
        case .mapping:
            throw value.place.error(.invalidValue, "a command is a text or a list", key: path(key))
        }
        guard let program = words.first else { return [] }
        guard !program.isEmpty else {
            throw value.place.error(.invalidValue, "the name of the program is empty", key: path(key))
        }
        guard !words.contains(where: { $0.utf8.contains(0) }) else {
            throw value.place.error(.invalidValue, "a command cannot hold a NUL", key: path(key))
        }
        note(key, words.map { .text($0) }, from: value.place)
        return words
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
        guard case .sequence(let items) = value.content else { return [] }
        var texts: [String] = []
        for item in items {
            guard case .scalar(let scalar) = item.content else {
                throw item.place.error(.invalidValue, "a text is expected in this list", key: path(key))
            }
            try requireText(scalar, key: path(key), at: item.place)
            texts.append(scalar.text)
        }
        return texts
    }
}
