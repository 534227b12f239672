/// The bounds of a storage in memory; `nil` for none.
package struct MemoryLimits: Sendable, Hashable {
    package enum Eviction: Sendable, Hashable {
        /// A request that would exceed a bound fails.
        case none
        /// It removes the keys that were not used for the longest time.
        case leastRecentlyUsed
    }

    package var items: Int?
    /// Of keys, values, and about 100 bytes a key.
    package var bytes: Int?
    /// Of one value.
    package var valueBytes: Int?
    package var eviction: Eviction

    package init(items: Int? = nil, bytes: Int? = nil, valueBytes: Int? = nil, eviction: Eviction = .none) {
        self.items = items
        self.bytes = bytes
        self.valueBytes = valueBytes
        self.eviction = eviction
    }

    /// Whether a request depends on all keys, not on its own alone.
    var areOfTheWhole: Bool {
        self.items != nil || self.bytes != nil
    }

    func allow(items: Int, bytes: Int) -> Bool {
        items <= self.items ?? .max && bytes <= self.bytes ?? .max
    }
}
