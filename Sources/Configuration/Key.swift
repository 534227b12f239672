/// One key of a section, declared once. The schema, the reader, the warnings of a reload and the row in
/// docs/configuration.md are derived from it.
package struct Key<Settings: Sendable>: Sendable {
    typealias Read = @Sendable (inout SectionReader, inout Settings) throws(ConfigurationError) -> Void

    let schema: SchemaKey
    let read: Read
    /// The dotted paths, at or below the one given, whose new value takes effect at the next start only.
    let changesAtStart: @Sendable (_ old: Settings, _ new: Settings, _ path: String) -> [String]
    /// The rows in the reference, with the defaults of a prototype.
    let rows: @Sendable (_ prototype: Settings, _ path: String) -> [KeyRow]
}

/// Properties of a key.
package struct KeyMarks: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// RoadRunner does not have the key.
    package static let ours = KeyMarks(rawValue: 1)
    /// A reload does not change the value.
    package static let atStart = KeyMarks(rawValue: 2)
}

/// The error about a required key that is missing.
package struct MissingKey: Sendable {
    let message: @Sendable (_ path: String) -> String
    let fix: String

    package init(_ message: String, fix: String) {
        self.init({ _ in message }, fix: fix)
    }

    /// - Parameter message: Made of the path of the section.
    package init(_ message: @escaping @Sendable (_ path: String) -> String, fix: String) {
        self.message = message
        self.fix = fix
    }

    package func error(in reader: SectionReader, _ key: String) -> ConfigurationError {
        let place = reader.source[key]?.keyPlace ?? reader.place
        return place.error(.missingValue, message(reader.path), key: reader.path(key), fix: fix)
    }
}

// MARK: Values

extension Key {
    /// A key with a value.
    ///
    /// - Parameters:
    ///   - path: The property for the value; the section's prototype holds the default.
    ///   - notes: For the reference: the effect of the key.
    ///   - fallback: For the reference, when the default is none that can be printed.
    ///   - required: Without it the key may be absent.
    package init<Value>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Value> & Sendable,
        _ kind: ValueKind<Value>,
        marks: KeyMarks = [],
        _ notes: String = "",
        default fallback: String? = nil,
        required: MissingKey? = nil
    ) {
        self.init(name, kind, marks) { reader, settings throws(ConfigurationError) in
            let value = settings[keyPath: path]
            if let found = try kind.read(&reader, name, value) {
                settings[keyPath: path] = found
            } else if let required {
                throw required.error(in: reader, name)
            } else {
                reader.noteDefault(name, kind.effective(value))
            }
        } differs: {
            $0[keyPath: path] != $1[keyPath: path]
        } row: { prototype in
            let shown = required == nil ? kind.effective(prototype[keyPath: path])?.shown ?? "–" : KeyRow.required
            return KeyRow(kind, marks, default: fallback ?? shown, notes: notes)
        }
    }

    /// A key whose value may be `nil`; it is not printed then.
    package init<Value>(
        _ name: String,
        _ path: any WritableKeyPath<Settings, Value?> & Sendable,
        _ kind: ValueKind<Value>,
        marks: KeyMarks = [],
        _ notes: String = "",
        default fallback: String? = nil
    ) {
        self.init(name, kind, marks) { reader, settings throws(ConfigurationError) in
            let value = settings[keyPath: path]
            if let found = try kind.read(&reader, name, value) {
                settings[keyPath: path] = found
            } else if let value {
                reader.noteDefault(name, kind.effective(value))
            }
        } differs: {
            $0[keyPath: path] != $1[keyPath: path]
        } row: { prototype in
            let shown = prototype[keyPath: path].flatMap { kind.effective($0)?.shown }
            return KeyRow(kind, marks, default: fallback ?? shown ?? "–", notes: notes)
        }
    }

    private init<Value>(
        _ name: String,
        _ kind: ValueKind<Value>,
        _ marks: KeyMarks,
        read: @escaping Read,
        differs: @escaping @Sendable (Settings, Settings) -> Bool,
        row: @escaping @Sendable (Settings) -> KeyRow
    ) {
        schema = SchemaKey(name, kind.node)
        self.read = read
        changesAtStart = { old, new, path in
            marks.contains(.atStart) && differs(old, new) ? [path] : []
        }
        rows = { prototype, path in
            var row = row(prototype)
            row.path = path
            return [row]
        }
    }

    /// A key of RoadRunner that never has an effect here.
    ///
    /// - Parameters:
    ///   - reason: The reason, for the warning and the reference.
    ///   - kind: Checks a value nevertheless. The value is not printed: reading it back would warn again.
    package static func withoutEffect<Value>(
        _ name: String, _ reason: String, checkedAs kind: ValueKind<Value>
    ) -> Key {
        var key = withoutEffect(name, reason, node: kind.node)
        key = Key(
            schema: key.schema,
            read: { reader, _ throws(ConfigurationError) in
                var unnoted = reader
                _ = try kind.read(&unnoted, name, nil)
            },
            changesAtStart: key.changesAtStart,
            rows: key.rows
        )
        return key
    }

    package static func withoutEffect(_ name: String, _ reason: String, node: SchemaNode = .value) -> Key {
        Key(
            schema: SchemaKey(name, node, .never(reason)),
            read: { _, _ in },
            changesAtStart: { _, _, _ in [] },
            rows: { _, path in [KeyRow(path: path, type: "", range: "", default: "", notes: reason, effect: .never)] }
        )
    }

    /// This key as part of an outer section that contains this key's settings.
    func within<Outer>(_ path: any WritableKeyPath<Outer, Settings> & Sendable) -> Key<Outer> {
        Key<Outer>(
            schema: schema,
            read: { reader, settings throws(ConfigurationError) in try self.read(&reader, &settings[keyPath: path]) },
            changesAtStart: { self.changesAtStart($0[keyPath: path], $1[keyPath: path], $2) },
            rows: { self.rows($0[keyPath: path], $1) }
        )
    }
}
