/// The order of use, from the oldest to the newest; kept only for a storage that evicts.
extension MemoryTable {
    /// Makes an entry the newest.
    func touch(_ index: UInt32) {
        guard self.keepsOrder, self.newest != index else { return }
        self.unlink(index)
        self.link(index)
    }

    func link(_ index: UInt32) {
        guard self.keepsOrder else { return }
        let entry = self.slab.pointer(to: index)
        entry.pointee.older = self.newest
        entry.pointee.newer = MemorySlab.none
        if self.newest == MemorySlab.none {
            self.oldest = index
        } else {
            self.slab.pointer(to: self.newest).pointee.newer = index
        }
        self.newest = index
    }

    func unlink(_ index: UInt32) {
        guard self.keepsOrder else { return }
        let entry = self.slab.pointer(to: index).pointee
        if entry.older == MemorySlab.none {
            self.oldest = entry.newer
        } else {
            self.slab.pointer(to: entry.older).pointee.newer = entry.newer
        }
        if entry.newer == MemorySlab.none {
            self.newest = entry.older
        } else {
            self.slab.pointer(to: entry.newer).pointee.older = entry.older
        }
    }
}
