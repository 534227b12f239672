/// The state of a storage and its counts since the start, for metrics; `nil` where a driver cannot know. Calls, hits and
/// misses are counted by the service.
package struct StorageMeasures: Sendable, Hashable {
    package var items: Int?
    /// What the storage takes, keys and values and the driver's own per key.
    package var bytes: Int?
    /// Keys that were removed because their time had passed.
    package var expired: Int?
    /// Keys that were removed to make room for others.
    package var evicted: Int?
    /// Requests that failed because of a limit of the storage.
    package var refused: Int?

    package init(
        items: Int? = nil, bytes: Int? = nil, expired: Int? = nil, evicted: Int? = nil, refused: Int? = nil
    ) {
        self.items = items
        self.bytes = bytes
        self.expired = expired
        self.evicted = evicted
        self.refused = refused
    }
}
