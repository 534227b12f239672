/// The keys of a section, and the settings that they are read into.
package struct Section<Settings: Sendable>: Sendable {
    package typealias Check = @Sendable (inout SectionReader, inout Settings) throws(ConfigurationError) -> Void

    /// The defaults.
    let prototype: Settings
    /// In the order in which they are read, printed and documented.
    let keys: [Key<Settings>]
    private let check: Check?

    /// - Parameters:
    ///   - others: Keys that come first.
    ///   - check: Validates the settings as a whole.
    package init(
        _ prototype: Settings,
        including others: [Key<Settings>] = [],
        @KeyBuilder<Settings> keys: () -> [Key<Settings>],
        check: Check? = nil
    ) {
        self.prototype = prototype
        self.keys = others + keys()
        self.check = check
    }

    /// The keys as part of an outer section that contains this section's settings.
    package func keys<Outer>(within path: any WritableKeyPath<Outer, Settings> & Sendable) -> [Key<Outer>] {
        keys.map { $0.within(path) }
    }

    /// The keys as part of an inner section, where each has the value of the section around it unless it is set.
    ///
    /// - Parameters:
    ///   - outer: The path of the section around it, for the reference.
    ///   - inner: The path of the inner one.
    package func keys<Outer>(
        within path: any WritableKeyPath<Outer, Settings> & Sendable, of inner: String, inheritedFrom outer: String,
        notes: String
    ) -> [Key<Outer>] {
        keys.map { key in
            Key(
                schema: key.schema, read: key.read, changesAtStart: key.changesAtStart,
                rows: { prototype, path in
                    key.rows(prototype, path).map { row in
                        var row = row
                        row.default = "`\(outer)\(row.path.dropFirst(inner.count))`"
                        row.notes = notes
                        return row
                    }
                }
            ).within(path)
        }
    }

    package var schema: [SchemaKey] { keys.map(\.schema) }

    package var keyNames: Set<String> { Set(keys.map(\.schema.name)) }

    /// Reads all keys of a section.
    ///
    /// - Parameters:
    ///   - defaults: In place of the prototype.
    ///   - names: The keys that are read; `nil` for all.
    package func read(
        _ reader: inout SectionReader, over defaults: Settings? = nil, only names: Set<String>? = nil
    ) throws(ConfigurationError) -> Settings {
        var settings = defaults ?? prototype
        for key in keys where names?.contains(key.schema.name) ?? true { try key.read(&reader, &settings) }
        try check?(&reader, &settings)
        return settings
    }

    /// The changed keys that take effect only at the next start, as dotted paths.
    package func changesAtStart(_ old: Settings, _ new: Settings, path: String = "") -> [String] {
        keys.flatMap { $0.changesAtStart(old, new, path.isEmpty ? $0.schema.name : "\(path).\($0.schema.name)") }
    }

    /// The same for a section that may be absent: a section that was added or removed is listed itself.
    func changesAtStart(_ old: Settings?, _ new: Settings?, path: String) -> [String] {
        switch (old, new) {
        case (nil, nil): []
        case (let old?, let new?): changesAtStart(old, new, path: path)
        case (nil, _), (_, nil): rows(path: path).contains { $0.marks.contains(.atStart) } ? [path] : []
        }
    }

    /// The rows of the keys in the reference.
    package func rows(path: String = "") -> [KeyRow] {
        keys.flatMap { $0.rows(prototype, path.isEmpty ? $0.schema.name : "\(path).\($0.schema.name)") }
    }
}

/// Lists keys, so that the compiler checks each on its own.
@resultBuilder
package enum KeyBuilder<Settings: Sendable> {
    package static func buildExpression(_ key: Key<Settings>) -> Key<Settings> {
        key
    }

    package static func buildBlock(_ keys: Key<Settings>...) -> [Key<Settings>] {
        keys
    }
}
