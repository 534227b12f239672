extension SectionReader {
    /// Reads variables for a process: names in upper case, in the order of the file; values may be any bytes.
    ///
    /// - Returns: `nil` when there are none; nothing is noted then.
    mutating func variables(_ key: String) throws(ConfigurationError) -> [EnvironmentEntry]? {
        guard let mapping = try variableMapping(key) else { return nil }
        var entries: [EnvironmentEntry] = []
        var noted: [EffectiveNode.Entry] = []
        for entry in mapping.entries {
            let name = entry.key.uppercased()
            let entryPath = "\(path(key)).\(name)"
            guard Self.isName(name) else {
                throw entry.keyPlace.error(
                    .invalidValue,
                    "`\(name)` is no name of a variable",
                    key: path(key),
                    fix: "begin it with a letter or `_`, and leave out `=`"
                )
            }
            guard case .scalar(let scalar) = entry.value.content else {
                throw entry.value.place.error(.invalidValue, "a text is expected here", key: entryPath)
            }
            let value = ByteText(bytes: try bytes(of: scalar, key: entryPath, at: entry.value.place))
            guard !value.bytes.contains(0) else {
                throw entry.value.place.error(.invalidValue, "a variable cannot hold a NUL", key: entryPath)
            }
            warnEmpty(scalar, key: entryPath, at: entry.value.place)
            entries.append(EnvironmentEntry(name: name, value: value))
            let effective = EffectiveScalar(value).hidden(behind: scalar.reference)
            noted.append(EffectiveNode.Entry(key: name, value: .scalar(effective, origin: entry.value.place.origin)))
        }
        note(key, .mapping(noted))
        return entries
    }

    /// Reads a mapping of numbers to numbers, or a list of such mappings.
    ///
    /// - Returns: `nil` when there are none; nothing is noted then.
    mutating func numberMap(_ key: String) throws(ConfigurationError) -> [Double: Double]? {
        guard let value = value(key) else { return nil }
        var entries: [SourceEntry] = []
        if case .sequence(let items) = value.content {
            for item in items {
                guard case .mapping(let mapping) = item.content else {
                    throw item.place.error(.invalidValue, "a mapping of numbers is expected here", key: path(key))
                }
                entries += mapping.entries
            }
        } else {
            entries = try variableMapping(key)?.entries ?? []
        }
        var numbers: [Double: Double] = [:]
        var noted: [EffectiveNode.Entry] = []
        for entry in entries {
            let entryPath = "\(path(key)).\(entry.key)"
            guard case .scalar(let scalar) = entry.value.content else {
                throw entry.value.place.error(.invalidValue, "a number is expected here", key: entryPath)
            }
            let name = try self.number(entry.key, key: path(key), at: entry.keyPlace)
            let value = try self.number(scalar.text, key: entryPath, at: entry.value.place)
            guard numbers.updateValue(value, forKey: name) == nil else {
                throw entry.keyPlace.error(
                    .invalidValue, "`\(entry.key)` is there twice", key: path(key), fix: "remove one")
            }
            let effective = EffectiveScalar.text(scalar.text)
            noted.append(
                EffectiveNode.Entry(key: entry.key, value: .scalar(effective, origin: entry.value.place.origin)))
        }
        note(key, .mapping(noted))
        return numbers
    }

    /// - Returns: `nil` when there are none.
    private func variableMapping(_ key: String) throws(ConfigurationError) -> SourceMapping? {
        guard let value = value(key) else { return nil }
        switch value.content {
        case .mapping(let mapping): return mapping
        case .sequence(let items) where items.isEmpty: return nil
        case .scalar(let scalar) where scalar.text.isEmpty: return nil
        case .sequence, .scalar:
            throw value.place.error(.invalidValue, "a mapping of names to values is expected here", key: path(key))
        }
    }

    /// Whether a process can be started with such a variable: swift-subprocess refuses a name that begins with a digit.
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return !name.utf8.contains(UInt8(ascii: "=")) && !name.utf8.contains(0)
    }
}
