/// Warns of keys that are unknown, that belong to a section that is not run, or that have no effect.
struct SchemaCheck {
    let schema: Schema
    let diagnostics: Diagnostics

    func check(_ tree: SourceMapping) {
        for entry in tree.entries {
            guard let key = schema.root.first(where: { $0.name == entry.key }) else {
                guard !diagnostics.isFull else { return }
                let guess = Self.guess(entry, among: schema.root)
                warn(entry, entry.key, "unknown section `\(entry.key)`, ignored\(Self.hint(guess))")
                continue
            }
            check(entry, key: key, path: key.name)
        }
    }

    private func check(_ entry: SourceEntry, key: SchemaKey, path: String) {
        // A null counts as absent, and RoadRunner does not run an absent section either.
        guard !entry.value.isNull else { return }
        switch key.effect {
        case .inEffect:
            break
        case .notRun:
            warn(entry, path, "section `\(path)` is not run by this service")
            return
        case .never(let reason):
            warn(entry, path, "has no effect: \(reason)")
            return
        }
        check(entry.value, node: key.node, path: path)
    }

    private func check(_ value: SourceValue, node: SchemaNode, path: String) {
        guard case .mapping(let mapping) = value.content else { return }
        switch node {
        case .section(let keys):
            for entry in mapping.entries {
                let entryPath = "\(path).\(entry.key)"
                guard let key = keys.first(where: { $0.name == entry.key }) else {
                    guard !diagnostics.isFull else { return }
                    let guess = Self.guess(entry, among: keys)
                    warn(entry, entryPath, "unknown key, ignored\(Self.hint(guess))")
                    continue
                }
                check(entry, key: key, path: entryPath)
            }
        case .named(let inner, _), .list(let inner):
            for entry in mapping.entries {
                check(entry.value, node: inner, path: "\(path).\(entry.key)")
            }
        case .variables, .value, .anything:
            break
        }
    }

    /// Suggests only keys that can have such a value: a section is never a mistyped `version`.
    private static func guess(_ entry: SourceEntry, among keys: [SchemaKey]) -> String? {
        let shape = SchemaNode.Shape(entry.value)
        return Suggestion.closest(to: entry.key, among: keys.filter { $0.node.takes(shape) }.map(\.name))
    }

    private func warn(_ entry: SourceEntry, _ path: String, _ message: String) {
        diagnostics.warn(entry.keyPlace.warning(message, key: path))
    }

    static func hint(_ guess: String?) -> String {
        guess.map { "; did you mean `\($0)`?" } ?? ""
    }
}
