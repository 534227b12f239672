import YAML

/// Turns one file into a source tree: keys folded to lower case, variables expanded.
struct SourceReader {
    /// An absolute path.
    let file: String
    let isInclude: Bool
    let expander: VariableExpander
    let schema: Schema
    /// The warnings, in the order of the file.
    private(set) var warnings: [ConfigurationWarning] = []

    init(file: String, isInclude: Bool, expander: VariableExpander, schema: Schema) {
        self.file = file
        self.isInclude = isInclude
        self.expander = expander
        self.schema = schema
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
        var tree = try mapping(root, path: "", schema: .section(schema.root))
        for path in schema.variablePaths { tree.normalizeVariables(at: path[...]) }
        return tree
    }

    /// - Parameter schema: `nil` in a section that is not run: as in RoadRunner, its keys may differ by case only, and
    ///   nothing is reported.
    private mutating func mapping(
        _ entries: [YAMLEntry],
        path: String,
        schema: SchemaNode?
    ) throws(ConfigurationError) -> SourceMapping {
        var mapping = SourceMapping()
        var rest = entries[...]
        while let layer = rest.first?.layer {
            let count = rest.prefix { $0.layer == layer }.count
            mapping.fill(from: try self.layer(rest.prefix(count), path: path, schema: schema))
            rest = rest.dropFirst(count)
        }
        return mapping
    }

    /// Converts entries that are written in one mapping, where no key may be repeated.
    private mutating func layer(
        _ entries: ArraySlice<YAMLEntry>,
        path: String,
        schema: SchemaNode?
    ) throws(ConfigurationError) -> SourceMapping {
        var mapping = SourceMapping()
        // Keys written without a dot: dotted keys may add to such a section, but the key itself must not be repeated.
        var written: [String: SourcePlace] = [:]
        for entry in entries {
            let key = entry.key.lowercased()
            let keys = schema?.path(of: key, SchemaNode.Shape(entry.value)) ?? [key]
            let place = place(entry.keyMark)
            let keyPath = ([path] + keys).drop { $0.isEmpty }.joined(separator: ".")
            let node = keys.reduce(schema) { node, key in node?.child(key) }
            if schema != nil, keys.count == 1, let first = written.updateValue(place, forKey: key) {
                throw Self.duplicate(keyPath, first: first, second: place)
            }
            let value = try convert(entry.value, path: keyPath, schema: node)
            let converted = SourceEntry(path: keys[...], keyPlace: place, value: value)
            do throws(SourceMapping.Conflict) {
                try mapping.add(converted)
            } catch {
                guard node != nil || keys.count > 1 && schema?.child(keys[0]) != nil else { continue }
                let conflict = ([path] + error.path).drop { $0.isEmpty }.joined(separator: ".")
                throw Self.duplicate(conflict, first: error.first, second: error.second)
            }
        }
        return mapping
    }

    /// - Parameter first: The place that was read first; with aliases it may be further down in the file.
    private static func duplicate(_ key: String, first: SourcePlace, second: SourcePlace) -> ConfigurationError {
        let lines = (first.mark?.line ?? 0, second.mark?.line ?? 0)
        guard lines.0 <= lines.1 else { return duplicate(key, first: second, second: first) }
        return second.error(
            .invalidYAML,
            "the key `\(key)` is there twice (keys match without regard to case, and a dot leads into a section), "
                + "first at line \(lines.0)",
            key: key,
            fix: "remove one"
        )
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
            if case .list(let inner) = schema {
                content = .mapping(try list(items, path: path, schema: inner))
                break
            }
            var values: [SourceValue] = []
            for item in items { values.append(try convert(item, path: path, schema: schema?.element)) }
            content = .sequence(values)
        case .mapping(let entries):
            content = .mapping(try mapping(entries, path: path, schema: schema))
        }
        return SourceValue(content: content, place: place(node.mark))
    }

    /// Converts a list of sections to a mapping by number.
    private mutating func list(
        _ items: [YAMLNode], path: String, schema: SchemaNode
    ) throws(ConfigurationError) -> SourceMapping {
        var mapping = SourceMapping()
        for (number, item) in items.enumerated() {
            let value = try convert(item, path: "\(path).\(number)", schema: schema)
            mapping.put(SourceEntry(key: "\(number)", keyPlace: place(item.mark), value: value))
        }
        return mapping
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
        // An expanded value is text, as in RoadRunner, and converts like any other text.
        var expanded = SourceScalar(result, of: scalar.text)
        if result.text == scalar.text { expanded.scalar.kind = scalar.kind }
        return expanded
    }

    private func place(_ mark: YAMLMark) -> SourcePlace {
        .file(file, mark, isInclude: isInclude)
    }
}

extension SchemaNode {
    /// The node of an item if this is a list.
    fileprivate var element: SchemaNode? {
        switch self {
        case .value, .variables: self
        case .section, .named, .list, .anything: nil
        }
    }
}
