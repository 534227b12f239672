extension SourceMapping {
    /// Lays `other` over these entries: mappings merge key by key, anything else is replaced, nulls change nothing.
    mutating func overlay(_ other: SourceMapping) {
        for entry in other.entries {
            guard var merged = self[entry.key] else {
                put(entry)
                continue
            }
            guard !entry.value.isNull else { continue }
            if case .mapping(var base) = merged.value.content, case .mapping(let top) = entry.value.content {
                base.overlay(top)
                merged = entry
                merged.value.content = .mapping(base)
                put(merged)
            } else {
                put(entry)
            }
        }
    }

    /// Adds missing keys, in nested mappings, too. Existing values stay, but nulls are replaced.
    mutating func fill(from other: SourceMapping) {
        for entry in other.entries {
            // As in `add`: keep no copy of the existing value while it is changed.
            guard let isNull = self[entry.key].map(\.value.isNull), !isNull else {
                put(entry)
                continue
            }
            guard case .mapping(let inner) = entry.value.content else { continue }
            _ = changeMapping(entry.key) { $0.fill(from: inner) }
        }
    }

    /// Sets one value, creating the mappings on its path.
    ///
    /// - Returns: `false`, with nothing changed, if a value on the path is not a mapping.
    mutating func set(_ path: ArraySlice<String>, to value: SourceValue) -> Bool {
        guard let key = path.first else { return false }
        let rest = path.dropFirst()
        if rest.isEmpty {
            put(SourceEntry(key: key, keyPlace: value.place, value: value))
            return true
        }
        let mapping = SourceValue(content: .mapping(SourceMapping()), place: value.place)
        var entry = self[key] ?? SourceEntry(key: key, keyPlace: value.place, value: mapping)
        if entry.value.isNull { entry.value = mapping }
        guard case .mapping(var inner) = entry.value.content, inner.set(rest, to: value) else { return false }
        entry.value.content = .mapping(inner)
        put(entry)
        return true
    }

    /// The value at a path; `nil` when there is none.
    func value(at path: ArraySlice<String>) -> SourceValue? {
        guard let key = path.first, let entry = self[key] else { return nil }
        if path.count == 1 { return entry.value }
        guard case .mapping(let mapping) = entry.value.content else { return nil }
        return mapping.value(at: path.dropFirst())
    }
}
