import YAML

/// A value as some source gave it: a file, an include, a variable or `-o`; variables in it are expanded already.
package struct SourceValue: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        case scalar(SourceScalar)
        case sequence([SourceValue])
        case mapping(SourceMapping)
    }

    package var content: Content
    package var place: SourcePlace

    /// Nothing was said: viper takes an explicit null for an absent key, and so do we.
    var isNull: Bool {
        guard case .scalar(let scalar) = content, case .null = scalar.scalar.resolved else { return false }
        // `key: ${UNSET}` is text.
        return true
    }
}

/// A scalar and what its expansion met.
package struct SourceScalar: Sendable, Equatable {
    package var scalar: YAMLScalar
    /// The value when it is not UTF-8, which only a variable can bring; the text has U+FFFD for it then.
    var bytes: [UInt8]?
    /// What was written, `${NAME}` say, when the value came from variables; `nil` when it did not.
    var reference: String?
    /// Variables without a value and without a default that the text named.
    package var unset: [String] = []

    /// The text as it is written.
    package var written: String { scalar.text }

    /// Whether it is `!!binary`: base64.
    package var isBinary: Bool { scalar.kind == .binary }

    init(_ scalar: YAMLScalar) {
        self.scalar = scalar
    }

    /// Text, or bytes, from elsewhere than a file.
    init(_ value: ByteText, reference: String? = nil) {
        scalar = YAMLScalar(text: value.description, kind: .text)
        bytes = value.text == nil ? value.bytes : nil
        self.reference = reference
    }

    /// What an expansion has made of a text.
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
    /// Where each key is: a file may hold tens of thousands, and every look-up below relies on this.
    private var positions: [String: Int] = [:]

    package subscript(key: String) -> SourceEntry? {
        positions[key].map { entries[$0] }
    }

    /// Adds a key, or replaces the one that is there, in its place.
    mutating func put(_ entry: SourceEntry) {
        if let position = positions[entry.key] {
            entries[position] = entry
        } else {
            positions[entry.key] = entries.count
            entries.append(entry)
        }
    }

    /// Changes the mapping below a key in place: a copy for each of many changes would take quadratic time.
    ///
    /// - Returns: `false`, with nothing changed, when there is no mapping.
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
