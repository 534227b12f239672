extension Key {
    /// A section below this one.
    ///
    /// - Parameters:
    ///   - readsAbsent: Whether an absent section is read as an empty one, with its defaults. Otherwise the value of the
    ///     prototype stays, and nothing is printed; one that is there has what the prototype has unless it sets it.
    ///   - names: The keys that are read and printed, by the keys that were read before; `nil` for all.
    package init<Inner>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Inner> & Sendable,
        section: Section<Inner>,
        readsAbsent: Bool = true,
        only names: @escaping @Sendable (Settings) -> Set<String>? = { _ in nil }
    ) {
        self.init(
            schema: SchemaKey(name, .section(section.schema)),
            read: { reader, settings throws(ConfigurationError) in
                let names = names(settings)
                let inherited = readsAbsent ? nil : settings[keyPath: path]
                let read = { (reader: inout SectionReader) throws(ConfigurationError) in
                    try section.read(&reader, over: inherited, only: names)
                }
                guard let value = try readsAbsent ? reader.sectionOrEmpty(name, read) : reader.section(name, read)
                else {
                    return
                }
                settings[keyPath: path] = value
            },
            changesAtStart: { section.changesAtStart($0[keyPath: path], $1[keyPath: path], path: $2) },
            rows: { _, path in section.rows(path: path) }
        )
    }

    /// A section below this one that may be absent.
    ///
    /// - Parameter default: Computes the settings of an absent section from the keys that were read before; the section
    ///   then counts as present.
    package init<Inner>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Inner?> & Sendable,
        section: Section<Inner>,
        default derived: @escaping @Sendable (SectionReader, Settings) -> DerivedDefault<Inner>? = { _, _ in nil }
    ) {
        self.init(
            schema: SchemaKey(name, .section(section.schema)),
            read: { reader, settings throws(ConfigurationError) in
                let derived = derived(reader, settings)
                let read = { (reader: inout SectionReader) throws(ConfigurationError) in
                    if let derived { reader.derive(derived.key, derived.reason) }
                    return try section.read(&reader, over: derived?.prototype)
                }
                settings[keyPath: path] =
                    try derived == nil ? reader.section(name, read) : reader.sectionOrEmpty(name, read)
            },
            changesAtStart: { section.changesAtStart($0[keyPath: path], $1[keyPath: path], path: $2) },
            rows: { _, path in
                section.rows(path: path).map { row in
                    var row = row
                    if row.default == KeyRow.required { row.default = "required there" }
                    return row
                }
            }
        )
    }

    /// A section whose keys are the user's names, each with a section of its own.
    ///
    /// - Parameters:
    ///   - wellKnown: Names that variables may set even if the file does not have them.
    ///   - most: The most names.
    ///   - prototype: Computes the defaults of a section from its name and the keys that were read before.
    ///   - notes: For the reference; with them the keys below have no rows of their own.
    package init<Item>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, [String: Item]> & Sendable,
        named section: Section<Item>,
        wellKnown: [String] = [],
        most: Int = .max,
        prototype: @escaping @Sendable (String, Settings) -> Item,
        notes: String? = nil
    ) {
        self.init(
            schema: SchemaKey(name, .named(.section(section.schema), wellKnown: wellKnown)),
            read: { reader, settings throws(ConfigurationError) in
                let before = settings
                settings[keyPath: path] = try reader.sectionOrEmpty(name) { reader throws(ConfigurationError) in
                    try reader.named(most: most) { name, reader throws(ConfigurationError) in
                        try section.read(&reader, over: prototype(name, before))
                    }
                }
            },
            changesAtStart: { old, new, whole in
                let (old, new) = (old[keyPath: path], new[keyPath: path])
                return Set(old.keys).union(new.keys).sorted().flatMap { name in
                    section.changesAtStart(
                        old[name] ?? section.prototype, new[name] ?? section.prototype, path: "\(whole).\(name)")
                }
            },
            rows: { _, path in
                guard let notes else { return section.rows(path: "\(path).<name>") }
                return [KeyRow(path: "\(path).<name>", type: "map", range: "", default: "–", notes: notes)]
            }
        )
    }

    /// A list of sections.
    ///
    /// - Parameters:
    ///   - most: The most items.
    ///   - range: For the reference.
    ///   - notes: For the reference; the keys below have no rows of their own.
    package init<Item>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, [Item]> & Sendable,
        list section: Section<Item>,
        most: Int,
        marks: KeyMarks = [],
        range: String,
        _ notes: String
    ) {
        self.init(
            schema: SchemaKey(name, .list(.section(section.schema))),
            read: { reader, settings throws(ConfigurationError) in
                let items = try reader.section(name) { reader throws(ConfigurationError) in
                    try reader.items(most: most) { reader throws(ConfigurationError) in try section.read(&reader) }
                }
                settings[keyPath: path] = items ?? settings[keyPath: path]
            },
            changesAtStart: { _, _, _ in [] },
            rows: { _, path in
                [KeyRow(path: path, type: "list", range: range, default: "–", notes: notes, marks: marks)]
            }
        )
    }
}

/// Computed settings of a section that the file may lack.
package struct DerivedDefault<Settings: Sendable>: Sendable {
    let prototype: Settings
    let key: String
    let reason: String

    /// - Parameters:
    ///   - key: The key of the section whose default was computed.
    ///   - reason: The computation, for people.
    package init(_ prototype: Settings, key: String, reason: String) {
        self.prototype = prototype
        self.key = key
        self.reason = reason
    }
}
