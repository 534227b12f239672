extension SourceMapping {
    /// Rewrites `env` lists of one-key mappings as one mapping, so that they merge and can be overridden by name.
    ///
    /// The last value of a repeated name wins, as in RoadRunner. Any other list is left for the decoder to reject.
    mutating func normalizeVariables(at path: ArraySlice<String>) {
        guard let value = value(at: path), case .sequence(let items) = value.content else { return }
        var merged = SourceMapping()
        for item in items {
            guard case .mapping(let mapping) = item.content else { return }
            for entry in mapping.entries { merged.put(entry) }
        }
        _ = set(path, to: SourceValue(content: .mapping(merged), place: value.place))
    }
}
