/// Reads the keys of one section: converts, checks ranges, and notes what is in force and where it came from.
struct SectionReader {
    /// The dotted path of the section; empty for the root.
    let path: String
    /// The keys that are there; empty when the section is absent.
    let source: SourceMapping
    /// Where the section is; for keys that are missing from it.
    let place: SourcePlace
    let diagnostics: Diagnostics
    /// What was read so far.
    private(set) var effective: [EffectiveNode.Entry] = []

    init(path: String, source: SourceMapping, place: SourcePlace, diagnostics: Diagnostics) {
        self.path = path
        self.source = source
        self.place = place
        self.diagnostics = diagnostics
    }

    /// The dotted path of a key.
    func path(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    /// The value of a key; `nil` when there is none, or an explicit null.
    func value(_ key: String) -> SourceValue? {
        guard let entry = source[key], !entry.value.isNull else { return nil }
        return entry.value
    }

    /// The scalar of a key, text; `nil` when there is none, or an explicit null.
    func scalar(_ key: String) throws(ConfigurationError) -> (scalar: SourceScalar, place: SourcePlace)? {
        guard let found = try scalarOfBytes(key) else { return nil }
        try requireText(found.scalar, key: path(key), at: found.place)
        return found
    }

    /// The scalar of a key, be it text or bytes; `nil` when there is none, or an explicit null.
    func scalarOfBytes(_ key: String) throws(ConfigurationError) -> (scalar: SourceScalar, place: SourcePlace)? {
        guard let value = value(key) else { return nil }
        guard case .scalar(let scalar) = value.content else {
            throw value.place.error(.invalidValue, "one value is expected, not a list or a mapping", key: path(key))
        }
        return (scalar, value.place)
    }

    mutating func note(_ key: String, _ value: EffectiveScalar, from place: SourcePlace?) {
        note(key, .scalar(value, origin: place?.origin ?? .defaultValue))
    }

    mutating func note(_ key: String, _ values: [EffectiveScalar], from place: SourcePlace?) {
        note(key, .sequence(values, origin: place?.origin ?? .defaultValue))
    }

    mutating func note(_ key: String, _ node: EffectiveNode) {
        effective.append(EffectiveNode.Entry(key: key, value: node))
    }

    /// Reads a section below this one.
    ///
    /// - Parameter body: reads its keys.
    /// - Returns: `nil` when the section is absent; an explicit null is absent too, as in RoadRunner, and reported.
    mutating func section<Value>(
        _ key: String,
        _ body: (inout SectionReader) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> Value? {
        guard let entry = source[key] else { return nil }
        guard !entry.value.isNull else {
            diagnostics.warn(
                entry.keyPlace.warning(
                    "the section is empty and taken for absent; write `{}` for its defaults", key: path(key))
            )
            return nil
        }
        guard case .mapping(let mapping) = entry.value.content else {
            throw entry.value.place.error(.invalidValue, "a section with keys is expected here", key: path(key))
        }
        return try read(key, mapping, at: entry.keyPlace, body)
    }

    /// Reads a section below this one, which counts as empty when it is absent.
    mutating func sectionOrEmpty<Value>(
        _ key: String,
        _ body: (inout SectionReader) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> Value {
        if let value = try section(key, body) { return value }
        return try read(key, SourceMapping(), at: source[key]?.keyPlace ?? place, body)
    }

    private mutating func read<Value>(
        _ key: String,
        _ mapping: SourceMapping,
        at place: SourcePlace,
        _ body: (inout SectionReader) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> Value {
        var reader = SectionReader(path: path(key), source: mapping, place: place, diagnostics: diagnostics)
        let value = try body(&reader)
        note(key, .mapping(reader.effective))
        return value
    }
}
