import Text

extension LoadedConfiguration {
    /// Each key with its value in force and its origin, one per line:
    /// `tcp.pool.num_workers = 8  # env RR_TCP_POOL_NUM_WORKERS`. The number of event loops, which is no key, is last.
    ///
    /// - Parameter showsSecrets: as for ``yaml(showsSecrets:)``.
    package func explanation(showsSecrets: Bool = false) -> String {
        var rows = effective.leaves.map { leaf in
            (text: "\(leaf.path) = \(Self.text(of: leaf, showsSecrets))", origin: leaf.origin)
        }
        rows.append((text: "\(EventLoopsVariable.name) = \(eventLoops.number)", origin: eventLoops.origin))
        // A very long value must not push the origins of all others out of sight.
        let width = min(rows.map(\.text.count).max() ?? 0, 72)
        return rows.map { row in
            let padding = String(repeating: " ", count: max(0, width - row.text.count))
            return "\(row.text)\(padding)  # \(row.origin)".singleLine() + "\n"
        }.joined()
    }

    private static func text(of leaf: EffectiveNode.Leaf, _ showsSecrets: Bool) -> String {
        let values = leaf.values.map { text(of: $0, showsSecrets) }
        return leaf.isList ? "[\(values.joined(separator: ", "))]" : values.joined()
    }

    /// Quotes texts, so that empty ones and line ends are visible.
    private static func text(of value: EffectiveScalar, _ showsSecrets: Bool) -> String {
        switch value {
        case .secret(let value, let reference):
            return text(of: showsSecrets ? value : .text(reference), showsSecrets)
        case .text(let text):
            var writer = JSONWriter()
            writer.string(text)
            return writer.text
        case .binary: return "!!binary \(value.text)"
        case .integer, .bool: return value.text
        }
    }
}
