/// Collects the keys of one mapping. Rejects duplicates; the mapping's own keys win over merged ones.
struct YAMLMappingBuilder {
    private var own: [YAMLEntry] = []
    private var ownKeys: [String: YAMLMark] = [:]
    private var merged: [YAMLEntry] = []
    private var mergedKeys: Set<String> = []
    private var layers = 1

    mutating func add(_ entry: YAMLEntry) throws(YAMLError) {
        if let first = ownKeys.updateValue(entry.keyMark, forKey: entry.key) {
            throw YAMLError(
                message: "the key `\(entry.key)` is there twice, first at line \(first.line)",
                mark: entry.keyMark
            )
        }
        own.append(entry)
    }

    /// `<<`: a mapping, or a list of mappings, of which the first one with a key wins.
    mutating func merge(_ value: YAMLNode, at mark: YAMLMark) throws(YAMLError) {
        switch value.content {
        case .mapping(let entries):
            let first = layers
            for var entry in entries {
                // Entries that it merged itself rank below those written in it.
                entry.layer += first
                layers = max(layers, entry.layer + 1)
                if mergedKeys.insert(entry.key).inserted { merged.append(entry) }
            }
        case .sequence(let items):
            for item in items {
                guard case .mapping = item.content else { throw Self.notAMapping(at: mark) }
                try merge(item, at: mark)
            }
        case .scalar:
            throw Self.notAMapping(at: mark)
        }
    }

    func finish() -> [YAMLEntry] {
        own + merged.filter { ownKeys[$0.key] == nil }
    }

    private static func notAMapping(at mark: YAMLMark) -> YAMLError {
        YAMLError(message: "`<<` takes a mapping or a list of mappings", mark: mark)
    }
}
