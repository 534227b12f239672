internal import YAML

/// A value as some source gave it: a file, an include, a variable or `-o`; variables in it are expanded already.
struct SourceValue: Sendable, Equatable {
    enum Content: Sendable, Equatable {
        case scalar(SourceScalar)
        case sequence([SourceValue])
        case mapping(SourceMapping)
    }

    var content: Content
    var place: SourcePlace

    /// Nothing was said: viper takes an explicit null for an absent key, and so do we.
    var isNull: Bool {
        guard case .scalar(let scalar) = content, case .null = scalar.scalar.resolved else { return false }
        // `key: ${UNSET}` is text.
        return true
    }
}

/// A scalar and what its expansion met.
struct SourceScalar: Sendable, Equatable {
    var scalar: YAMLScalar
    /// Variables without a value and without a default that the text named.
    var unset: [String] = []

    init(_ scalar: YAMLScalar, unset: [String] = []) {
        self.scalar = scalar
        self.unset = unset
    }

    init(text: String) {
        self.init(YAMLScalar(text: text, kind: .text))
    }
}

/// A key and its value; the key is in lower case.
struct SourceEntry: Sendable, Equatable {
    var key: String
    var keyPlace: SourcePlace
    var value: SourceValue
}

/// Keys in the order of the file; no key appears twice.
struct SourceMapping: Sendable, Equatable {
    private(set) var entries: [SourceEntry] = []
    /// Where each key is: a file may hold tens of thousands, and every look-up below relies on this.
    private var positions: [String: Int] = [:]

    subscript(key: String) -> SourceEntry? {
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
}
