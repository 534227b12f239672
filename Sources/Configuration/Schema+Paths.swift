extension Schema {
    /// A path of keys and the key that the schema has for it.
    struct Match {
        var path: [String]
        var node: SchemaNode
        /// Whether the section is one that this service does not run: keys below it are not checked.
        var isNotRun = false
    }

    /// Finds the key of a dotted path.
    ///
    /// Names may contain dots themselves: existing names are tried first, then the shortest name.
    func resolve(_ components: ArraySlice<String>, in tree: SourceMapping) -> Match? {
        resolve(components, node: .section(root), tree: tree)
    }

    private func resolve(_ rest: ArraySlice<String>, node: SchemaNode, tree: SourceMapping?) -> Match? {
        guard let first = rest.first else { return Match(path: [], node: node) }
        switch node {
        case .section(let keys):
            guard let key = keys.first(where: { $0.name == first }) else { return nil }
            guard key.effect != .notRun else { return Match(path: Array(rest), node: key.node, isNotRun: true) }
            return resolve(rest.dropFirst(), node: key.node, tree: tree?.mapping(first))?.prefixed(first)
        case .named(let inner, _):
            let splits = (1...rest.count).map { rest.prefix($0).joined(separator: ".") }
            let known = splits.indices.filter { tree?[splits[$0]] != nil }
            for count in known.reversed() + splits.indices {
                let name = splits[count]
                let below = rest.dropFirst(count + 1)
                // A name without a key must be the whole path; `smtp.adr` is a mistyped key of `smtp`.
                guard !below.isEmpty || rest.count == 1 else { continue }
                if let match = resolve(below, node: inner, tree: tree?.mapping(name)) { return match.prefixed(name) }
            }
            return nil
        case .list(let inner):
            guard Int(first) != nil else { return nil }
            return resolve(rest.dropFirst(), node: inner, tree: tree?.mapping(first))?.prefixed(first)
        case .variables:
            return Match(path: [rest.joined(separator: ".")], node: .value)
        case .anything:
            return Match(path: Array(rest), node: .anything)
        case .value:
            return nil
        }
    }

    /// Every path that a variable may set: the keys of the schema, with the tree's names.
    func settablePaths(in tree: SourceMapping) -> [[String]] {
        var paths: [[String]] = []
        collect(node: .section(root), tree: tree, path: [], into: &paths)
        return paths
    }

    private func collect(node: SchemaNode, tree: SourceMapping?, path: [String], into paths: inout [[String]]) {
        switch node {
        case .section(let keys):
            for key in keys where key.isSettableByVariable && key.effect != .notRun {
                collect(node: key.node, tree: tree?.mapping(key.name), path: path + [key.name], into: &paths)
            }
        case .named(let inner, let wellKnown):
            let names = tree?.entries.map(\.key) ?? []
            for name in names + wellKnown.filter({ !names.contains($0) }) {
                collect(node: inner, tree: tree?.mapping(name), path: path + [name], into: &paths)
            }
        case .list(let inner):
            for entry in tree?.entries ?? [] {
                collect(node: inner, tree: tree?.mapping(entry.key), path: path + [entry.key], into: &paths)
            }
        case .variables:
            for entry in tree?.entries ?? [] { paths.append(path + [entry.key]) }
        case .value:
            paths.append(path)
        case .anything:
            break
        }
    }

    /// The paths of all mappings of names to texts.
    var variablePaths: [[String]] {
        func paths(_ keys: [SchemaKey], _ path: [String]) -> [[String]] {
            keys.flatMap { key in
                switch key.node {
                case .section(let keys): paths(keys, path + [key.name])
                case .variables: [path + [key.name]]
                case .named, .list, .value, .anything: [[String]]()
                }
            }
        }
        return paths(root, [])
    }
}

extension Schema.Match {
    fileprivate func prefixed(_ key: String) -> Schema.Match {
        Schema.Match(path: [key] + path, node: node, isNotRun: isNotRun)
    }
}

extension SourceMapping {
    /// The mapping below a key; `nil` when there is none.
    package func mapping(_ key: String) -> SourceMapping? {
        guard case .mapping(let mapping)? = self[key]?.value.content else { return nil }
        return mapping
    }
}
