import YAML

/// A value from one source: a file, an include, a variable or `-o`. Variables in it are already expanded.
package struct SourceValue: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        case scalar(SourceScalar)
        case sequence([SourceValue])
        case mapping(SourceMapping)
    }

    package var content: Content
    package var place: SourcePlace

    /// Whether the value counts as absent: as in viper, an explicit null does.
    package var isNull: Bool {
        guard case .scalar(let scalar) = content, case .null = scalar.scalar.resolved else { return false }
        // `key: ${UNSET}` is an empty text, not a null.
        return true
    }
}

/// A scalar and the results of its expansion.
package struct SourceScalar: Sendable, Equatable {
    package var scalar: YAMLScalar
    /// The value if it is not UTF-8, which only a variable can cause; the text then has U+FFFD in its place.
    var bytes: [UInt8]?
    /// The written text, such as `${NAME}`, if the value came from variables.
    var reference: String?
    /// Variables in the text that had neither a value nor a default.
    package var unset: [String] = []

    /// The text as it is written.
    package var written: String { scalar.text }

    /// Whether it is `!!binary`: base64.
    package var isBinary: Bool { scalar.kind == .binary }

    init(_ scalar: YAMLScalar) {
        self.scalar = scalar
    }

    /// Text or bytes from a source other than a file.
    init(_ value: ByteText, reference: String? = nil) {
        scalar = YAMLScalar(text: value.description, kind: .text)
        bytes = value.text == nil ? value.bytes : nil
        self.reference = reference
    }

    /// The result of expanding a text.
    init(_ result: VariableExpander.Result, of text: String) {
        self.init(result.value, reference: result.namesVariables ? text : nil)
        unset = result.unset
    }
}

/// A key and its value; the key is in lower case.
package struct SourceEntry: Sendable, Equatable {
    package var key: String
    package var keyPlace: SourcePlace
    package var value: SourceValue
}

/// Keys in the order of the file; no key appears twice.
package struct SourceMapping: Sendable, Equatable {
    package private(set) var entries: [SourceEntry] = []
    /// The index of each key: a file may hold tens of thousands, and all look-ups below use this.
    private var positions: [String: Int] = [:]

    package subscript(key: String) -> SourceEntry? {
        positions[key].map { entries[$0] }
    }

    /// Adds a key, or replaces an existing one in its position.
    mutating func put(_ entry: SourceEntry) {
        if let position = positions[entry.key] {
            entries[position] = entry
        } else {
            positions[entry.key] = entries.count
            entries.append(entry)
        }
    }

    mutating func remove(_ key: String) {
        guard let position = positions.removeValue(forKey: key) else { return }
        entries.remove(at: position)
        for (index, entry) in entries.enumerated().dropFirst(position) { positions[entry.key] = index }
    }

    /// Changes the mapping below a key in place: a copy per change would take quadratic time.
    ///
    /// - Returns: `false`, with nothing changed, if there is no mapping.
    mutating func changeMapping<Failure: Error>(
        _ key: String,
        _ body: (inout SourceMapping) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard let position = positions[key], case .mapping(var mapping) = entries[position].value.content else {
            return false
        }
        entries[position].value.content = .sequence([])
        defer { entries[position].value.content = .mapping(mapping) }
        try body(&mapping)
        return true
    }
}
