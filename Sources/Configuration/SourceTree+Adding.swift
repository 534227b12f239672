extension SourceMapping {
    /// A key that is there twice.
    struct Conflict: Error {
        /// From the mapping that was added to.
        var path: [String]
        /// Where it was first.
        var first: SourcePlace
        var second: SourcePlace
    }

    /// Adds a key; where it is a section that is here already its keys are added to that one's.
    ///
    /// - Throws: ``Conflict`` when a key would be there twice; a null says nothing, and gives way.
    mutating func add(_ entry: SourceEntry) throws(Conflict) {
        // The entry that is here is not held: its mapping is changed in place below.
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
    /// An entry for a path of keys; all of them are where the value's key is.
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
