extension SourceMapping {
    /// A repeated key.
    struct Conflict: Error {
        /// The path from the mapping that was added to.
        var path: [String]
        /// The first place of the key.
        var first: SourcePlace
        var second: SourcePlace
    }

    /// Adds a key. If it is a section that already exists, its keys are added to the existing ones.
    ///
    /// - Throws: ``Conflict`` if a key would be repeated; a null counts as absent and is replaced.
    mutating func add(_ entry: SourceEntry) throws(Conflict) {
        // Keep no copy of the existing entry: its mapping is changed in place below.
        guard let (place, isNull) = self[entry.key].map({ ($0.keyPlace, $0.value.isNull) }), !isNull else {
            return put(entry)
        }
        guard !entry.value.isNull else { return }
        let conflict = Conflict(path: [entry.key], first: place, second: entry.keyPlace)
        guard case .mapping(let added) = entry.value.content else { throw conflict }
        let isMapping = try changeMapping(entry.key) { mapping throws(Conflict) in
            for inner in added.entries {
                do throws(Conflict) {
                    try mapping.add(inner)
                } catch {
                    throw Conflict(path: [entry.key] + error.path, first: error.first, second: error.second)
                }
            }
        }
        guard isMapping else { throw conflict }
    }
}

extension SourceEntry {
    /// An entry for a path of keys, all of which get the place of the value's key.
    init(path: ArraySlice<String>, keyPlace: SourcePlace, value: SourceValue) {
        var entry = SourceEntry(key: path.last ?? "", keyPlace: keyPlace, value: value)
        for key in path.dropLast().reversed() {
            var mapping = SourceMapping()
            mapping.put(entry)
            let value = SourceValue(content: .mapping(mapping), place: keyPlace)
            entry = SourceEntry(key: key, keyPlace: keyPlace, value: value)
        }
        self = entry
    }
}
