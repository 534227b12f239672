import YAML

/// A dot in a key leads into a section, as in RoadRunner: `pool.num_workers` of `tcp` is `num_workers` of its `pool`.
///
/// The user's names keep their dots: `a.b` of `tcp.servers` is the server `a.b`. If a name may be followed by a key, as
/// in `smtp.addr`, the end decides: it is the longest known key that takes such a value (a section takes a mapping, any
/// other key does not). Without such a key, a mapping is a server named `smtp.addr`; a single value cannot be a server,
/// so the last dot separates its name and an unknown key.
extension SchemaNode {
    /// The most keys below a name; longer ends are not tried.
    private static let deepestKey = 4

    /// The shape of a value, which determines the keys that may have it.
    enum Shape {
        /// A null, which counts as absent.
        case null
        /// A scalar or a list.
        case value
        case mapping

        init(_ node: YAMLNode) {
            switch node.content {
            case .mapping: self = .mapping
            case .sequence: self = .value
            case .scalar(let scalar): self = scalar.resolved == .null ? .null : .value
            }
        }

        init(_ value: SourceValue) {
            switch value.content {
            case .mapping: self = .mapping
            case .sequence, .scalar: self = value.isNull ? .null : .value
            }
        }
    }

    /// Whether a value of this shape can stand here.
    func takes(_ shape: Shape) -> Bool {
        switch (self, shape) {
        case (_, .null), (.anything, _), (.variables, _), (.list, _): true
        case (.value, .value), (.section, .mapping), (.named, .mapping): true
        case (.value, .mapping), (.section, .value), (.named, .value): false
        }
    }

    /// The nested keys that a dotted key in a mapping of this kind stands for; the key itself if it has no dot.
    func path(of key: String, _ shape: Shape) -> [String] {
        guard key.utf8.contains(UInt8(ascii: ".")) else { return [key] }
        return path(of: key.split(separator: ".", omittingEmptySubsequences: false)[...], shape)
    }

    private func path(of parts: ArraySlice<Substring>, _ shape: Shape) -> [String] {
        let whole = [parts.joined(separator: ".")]
        guard parts.count > 1, let first = parts.first else { return whole }
        switch self {
        case .section(let keys):
            let below = parts.dropFirst()
            switch keys.first(where: { $0.name == first })?.node {
            // A value has no keys below it: the whole is an unknown key.
            case .value: return whole
            case nil, .anything: return [String(first), below.joined(separator: ".")]
            case .some(let node): return [String(first)] + node.path(of: below, shape)
            }
        case .named(let inner, _):
            for count in (1..<parts.count).suffix(Self.deepestKey) {
                let key = parts.dropFirst(count)
                guard let node = inner.node(at: key), node.takes(shape) else { continue }
                return [parts.prefix(count).joined(separator: ".")] + key.map(String.init)
            }
            guard shape == .value, let last = parts.last else { return whole }
            return [parts.dropLast().joined(separator: "."), String(last)]
        case .list(let inner):
            return [String(first)] + inner.path(of: parts.dropFirst(), shape)
        case .variables, .value, .anything:
            return whole
        }
    }

    /// The node at a path of keys; `nil` when there is none.
    private func node(at path: ArraySlice<Substring>) -> SchemaNode? {
        guard let first = path.first else { return self }
        if case .list(let inner) = self { return Int(first) == nil ? nil : inner.node(at: path.dropFirst()) }
        guard case .section(let keys) = self else { return nil }
        return keys.first { $0.name == first }?.node.node(at: path.dropFirst())
    }

    /// The node of a key of this mapping; `nil` if the key is unknown or not run.
    func child(_ key: String) -> SchemaNode? {
        switch self {
        case .section(let keys):
            guard let match = keys.first(where: { $0.name == key }), match.effect != .notRun else { return nil }
            if case .anything = match.node { return nil }
            return match.node
        case .named(let inner, _), .list(let inner): return inner
        case .variables: return .value
        case .value, .anything: return nil
        }
    }
}
