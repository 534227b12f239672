/// Where RoadRunner looks for a section that is absent: at the root, under the name of the section around it. With a
/// storage `kv.users` that has no `config`, the root's section `users` is that.
package struct SectionLending: Sendable {
    /// A section whose keys are the user's names.
    let named: String
    /// The section below each of them that may be at the root.
    let section: String

    package init(_ section: String, of named: String) {
        self.named = named
        self.section = section
    }

    /// Moves sections from the root to where they are read.
    ///
    /// - Parameter taken: The root's own sections, which have another meaning.
    func apply(to root: inout SourceMapping, except taken: Set<String>) {
        guard let names = root.mapping(self.named)?.entries else { return }
        for entry in names where !taken.contains(entry.key) {
            guard case .mapping(let storage) = entry.value.content, storage[self.section]?.value.isNull ?? true,
                let lent = root[entry.key], case .mapping = lent.value.content
            else {
                continue
            }
            root.remove(entry.key)
            _ = root.changeMapping(self.named) { names in
                _ = names.changeMapping(entry.key) { storage in
                    storage.put(SourceEntry(key: self.section, keyPlace: lent.keyPlace, value: lent.value))
                }
            }
        }
    }
}
