/// Reads the keys of one section: converts, checks ranges, and notes the values in force and their origins.
package struct SectionReader {
    /// The dotted path of the section; empty for the root.
    package let path: String
    /// The existing keys; empty if the section is absent.
    package let source: SourceMapping
    /// The place of the section, for keys that are missing from it.
    package let place: SourcePlace
    package let context: ReadingContext
    /// The values that were read so far.
    private(set) var effective: [EffectiveNode.Entry] = []
    /// The derivations of computed defaults, by key.
    private var reasons: [String: String] = [:]

    init(path: String, source: SourceMapping, place: SourcePlace, context: ReadingContext) {
        self.path = path
        self.source = source
        self.place = place
        self.context = context
    }

    package var diagnostics: Diagnostics { context.diagnostics }

    /// The dotted path of a key.
    package func path(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    /// The value of a key; `nil` when there is none, or an explicit null.
    func value(_ key: String) -> SourceValue? {
        guard let entry = source[key], !entry.value.isNull else { return nil }
        return entry.value
    }

    /// The scalar of a key, text; `nil` when there is none, or an explicit null.
    package func scalar(_ key: String) throws(ConfigurationError) -> (scalar: SourceScalar, place: SourcePlace)? {
        guard let found = try scalarOfBytes(key) else { return nil }
        try requireText(found.scalar, key: path(key), at: found.place)
        return found
    }

    /// The scalar of a key, text or bytes; `nil` if it is absent or an explicit null.
    package func scalarOfBytes(_ key: String) throws(ConfigurationError) -> (scalar: SourceScalar, place: SourcePlace)?
    {
        guard let value = value(key) else { return nil }
        guard case .scalar(let scalar) = value.content else {
            throw value.place.error(.invalidValue, "one value is expected, not a list or a mapping", key: path(key))
        }
        return (scalar, value.place)
    }

    package mutating func note(_ key: String, _ value: EffectiveScalar, from place: SourcePlace?) {
        note(key, .scalar(value, origin: place?.origin ?? .defaultValue))
    }

    package mutating func note(_ key: String, _ values: [EffectiveScalar], from place: SourcePlace?) {
        note(key, .sequence(values, origin: place?.origin ?? .defaultValue))
    }

    package mutating func note(_ key: String, _ node: EffectiveNode) {
        effective.append(EffectiveNode.Entry(key: key, value: node))
    }

    /// Forgets what was noted of a key: it has no effect, and the configuration would not load with it.
    package mutating func forget(_ key: String) {
        effective.removeAll { $0.key == key }
    }

    /// Notes a default and its derivation.
    mutating func noteDefault(_ key: String, _ node: EffectiveNode?) {
        guard case .scalar(let value, _)? = node, let reason = reasons[key] else {
            if let node { note(key, node) }
            return
        }
        note(key, .scalar(value, origin: .derived(.defaultValue, reason)))
    }

    /// Sets the derivation of the default of a key of this section.
    mutating func derive(_ key: String, _ reason: String) {
        reasons[key] = reason
    }

    /// Reads a section below this one.
    ///
    /// - Parameter body: reads its keys.
    /// - Returns: `nil` when the section is absent; an explicit null is absent too, as in RoadRunner, and reported.
    package mutating func section<Value>(
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

    /// Reads a section below this one; an absent one counts as empty.
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
        var reader = SectionReader(path: path(key), source: mapping, place: place, context: context)
        let value = try body(&reader)
        note(key, .mapping(reader.effective))
        return value
    }

    /// Reads the sections below this one, whose keys are the user's names.
    ///
    /// - Returns: one for each name that has a section.
    mutating func named<Value>(
        most: Int,
        _ body: (String, inout SectionReader) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> [String: Value] {
        let names = source.entries.map(\.key)
        guard names.count <= most else {
            let kind = path.split(separator: ".").last.map(String.init) ?? path
            throw place.error(
                .outOfRange, "\(names.count) \(kind) are too many", key: path, fix: "use at most \(most)")
        }
        var values: [String: Value] = [:]
        for name in names.sorted() {
            values[name] = try section(name) { reader throws(ConfigurationError) in try body(name, &reader) }
        }
        return values
    }

    /// Reads the sections below this one, whose keys are the numbers of a list.
    mutating func items<Value>(
        most: Int,
        _ body: (inout SectionReader) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> [Value] {
        guard source.entries.count <= most else {
            throw place.error(
                .outOfRange, "\(source.entries.count) items are too many", key: path, fix: "use at most \(most)")
        }
        var numbers: [(Int, String)] = []
        for entry in source.entries {
            guard let number = Int(entry.key), number >= 0 else {
                throw entry.keyPlace.error(
                    .invalidValue, "`\(entry.key)` is no number of an item", key: path, fix: "write a list")
            }
            numbers.append((number, entry.key))
        }
        var values: [Value] = []
        for (_, key) in numbers.sorted(by: { $0.0 < $1.0 }) {
            if let value = try section(key, body) { values.append(value) }
        }
        return values
    }
}
