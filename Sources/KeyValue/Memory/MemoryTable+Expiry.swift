/// The heap of expiries: a key has one place in it however often it is set, so setting a key again takes no memory.
extension MemoryTable {
    /// The children of each place.
    private static var arity: Int { 4 }

    /// - Parameter expiry: `Int64.max` for none.
    func setExpiry(_ expiry: UnixMilliseconds, at index: UInt32) {
        let entry = self.slab.pointer(to: index)
        guard expiry != .max else {
            self.unschedule(index)
            entry.pointee.expiry = .max
            return
        }
        entry.pointee.expiry = expiry
        if entry.pointee.position == MemorySlab.none {
            self.heap.append(index)
            self.moveUp(index, from: self.heap.count - 1)
        } else {
            self.settle(index, at: Int(entry.pointee.position))
        }
    }

    func unschedule(_ index: UInt32) {
        let entry = self.slab.pointer(to: index)
        guard entry.pointee.position != MemorySlab.none else { return }
        let place = Int(entry.pointee.position)
        entry.pointee.position = MemorySlab.none
        let last = self.heap.removeLast()
        if last != index {
            self.settle(last, at: place)
        }
    }

    /// Removes keys whose time has passed.
    ///
    /// - Returns: Whether more may be left, because the limit was reached.
    func sweep(now: UnixMilliseconds, limit: Int) -> Bool {
        for _ in 0..<limit {
            guard let first = self.heap.first, self.expiry(of: first) <= now else { return false }
            self.expire(first)
        }
        return true
    }

    private func expiry(of index: UInt32) -> UnixMilliseconds {
        self.slab.pointer(to: index).pointee.expiry
    }

    /// Puts an entry at a place, or wherever from there it belongs.
    private func settle(_ index: UInt32, at place: Int) {
        if place > 0, self.expiry(of: self.heap[(place - 1) / Self.arity]) > self.expiry(of: index) {
            self.moveUp(index, from: place)
        } else {
            self.moveDown(index, from: place)
        }
    }

    private func moveUp(_ index: UInt32, from start: Int) {
        let expiry = self.expiry(of: index)
        var place = start
        while place > 0 {
            let parent = (place - 1) / Self.arity
            guard self.expiry(of: self.heap[parent]) > expiry else { break }
            self.put(self.heap[parent], at: place)
            place = parent
        }
        self.put(index, at: place)
    }

    private func moveDown(_ index: UInt32, from start: Int) {
        let expiry = self.expiry(of: index)
        var place = start
        while let child = self.firstChild(of: place), self.expiry(of: self.heap[child]) < expiry {
            self.put(self.heap[child], at: place)
            place = child
        }
        self.put(index, at: place)
    }

    /// The child that expires first.
    private func firstChild(of place: Int) -> Int? {
        let start = place * Self.arity + 1
        let end = min(start + Self.arity, self.heap.count)
        return start < end ? (start..<end).min { self.expiry(of: self.heap[$0]) < self.expiry(of: self.heap[$1]) } : nil
    }

    private func put(_ index: UInt32, at place: Int) {
        self.heap[place] = index
        self.slab.pointer(to: index).pointee.position = UInt32(truncatingIfNeeded: place)
    }
}
