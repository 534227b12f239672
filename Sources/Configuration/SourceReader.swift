internal import YAML

/// Turns one file into a source tree: keys folded to lower case, variables expanded.
struct SourceReader {
    /// An absolute path.
    let file: String
    let isInclude: Bool
    let expander: VariableExpander
    /// What was odd, in the order of the file.
    private(set) var warnings: [ConfigurationWarning] = []

    init(file: String, isInclude: Bool, expander: VariableExpander) {
        self.file = file
        self.isInclude = isInclude
        self.expander = expander
    }

    /// Parses the bytes of a file; nothing is expanded yet.
    static func parse(_ bytes: [UInt8], file: String) throws(ConfigurationError) -> (root: [YAMLEntry], mark: YAMLMark)
    {
        let node: YAMLNode?
        do throws(YAMLError) {
            node = try YAMLParser().parse(bytes)
        } catch {
            throw ConfigurationError(
                code: .invalidYAML,
                message: error.message,
                file: file,
                line: error.mark?.line,
                column: error.mark?.column
            )
        }
        guard let node else {
            throw ConfigurationError(
                code: .emptyFile,
                message: "the file is empty",
                file: file,
                fix: "at the least it needs `version`, `server.command` and `tcp.servers`"
            )
        }
        guard case .mapping(let entries) = node.content else {
            throw ConfigurationError(
                code: .invalidYAML,
                message: "a mapping of sections is expected here",
                file: file,
                line: node.mark.line,
                column: node.mark.column
            )
        }
        return (entries, node.mark)
    }

    /// Converts the entries of the root.
    mutating func convert(root: [YAMLEntry]) throws(ConfigurationError) -> SourceMapping {
        var tree = try mapping(root, path: "", schema: .section(Schema.root))
        tree.normalizeVariables()
        return tree
    }

    /// - Parameter schema: `nil` where nothing is run: there RoadRunner's leniency about keys that differ by case only
    ///   is kept, and nothing is reported.
    private mutating func mapping(
        _ entries: [YAMLEntry],
        path: String,
        schema: SchemaNode?
    ) throws(ConfigurationError) -> SourceMapping {
        var mapping = SourceMapping()
        for entry in entries {
            let key = entry.key.lowercased()
            let keyPath = path.isEmpty ? key : "\(path).\(key)"
            let place = place(entry.keyMark)
            if schema != nil, let first = mapping[key] {
                let line = first.keyPlace.mark?.line ?? 0
                throw place.error(
                    .invalidYAML,
                    "the key `\(key)` is there twice (keys match without regard to case), first at line \(line)",
                    key: keyPath,
                    fix: "remove one"
                )
            }
            let value = try convert(entry.value, path: keyPath, schema: schema.flatMap { $0.child(key) })
            mapping.put(SourceEntry(key: key, keyPlace: place, value: value))
        }
        return mapping
    }

    private mutating func convert(
        _ node: YAMLNode,
        path: String,
        schema: SchemaNode?
    ) throws(ConfigurationError) -> SourceValue {
        let content: SourceValue.Content
        switch node.content {
        case .scalar(let scalar):
            content = .scalar(try expand(scalar, at: node.mark, path: path, isReported: schema != nil))
        case .sequence(let items):
            var values: [SourceValue] = []
            for item in items { values.append(try convert(item, path: path, schema: schema?.element)) }
            content = .sequence(values)
        case .mapping(let entries):
            content = .mapping(try mapping(entries, path: path, schema: schema))
        }
        return SourceValue(content: content, place: place(node.mark))
    }

    private mutating func expand(
        _ scalar: YAMLScalar,
        at mark: YAMLMark,
        path: String,
        isReported: Bool
    ) throws(ConfigurationError) -> SourceScalar {
        guard scalar.kind != .binary, let result = expander.expand(scalar.text) else { return SourceScalar(scalar) }
        guard !result.isTooLong else {
            throw place(mark).error(
                .invalidValue,
                "is longer than \(VariableExpander.longestResult >> 20) MiB once variables are expanded",
                key: path
            )
        }
        if isReported {
            for reference in result.malformed {
                let message =
                    reference == "${"
                    ? "`${` is never closed and stays as it is; write `$${` if that is meant"
                    : "`\(reference)` is no variable and becomes nothing; the forms are `${NAME}` and `${NAME:-default}`"
                warnings.append(place(mark).warning(message, key: path))
            }
        }
        // What was expanded is text, as in RoadRunner; it converts like any other text.
        let kind = result.text == scalar.text ? scalar.kind : .text
        return SourceScalar(YAMLScalar(text: result.text, kind: kind), unset: result.unset)
    }

    private func place(_ mark: YAMLMark) -> SourcePlace {
        .file(file, mark, isInclude: isInclude)
    }
}

extension SchemaNode {
    /// The node of a key of this mapping; `nil` where nothing is known or run.
    fileprivate func child(_ key: String) -> SchemaNode? {
        switch self {
        case .section(let keys):
            guard let match = keys.first(where: { $0.name == key }), match.effect != .notRun else { return nil }
            if case .anything = match.node { return nil }
            return match.node
        case .named(let inner, _): return inner
        case .variables: return .value
        case .value, .anything: return nil
        }
    }

    /// The node of an item, were this a list.
    fileprivate var element: SchemaNode? {
        switch self {
        case .value, .variables: self
        case .section, .named, .anything: nil
        }
    }
}
