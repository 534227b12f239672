/// The failure of one request.
package struct StorageError: Error, Sendable, Hashable {
    /// In the words of the driver, without its operation. PHP's packages look for `no such storage` and `_plugin_ttl` in
    /// the texts of errors, so neither stands in one; nor do keys and values, which a caller may choose.
    package var text: String

    package init(_ text: String) {
        self.text = text
    }

    package static let closed = StorageError("the storage is closed")
    package static let notAnInteger = StorageError("value is not an integer or out of range")
    package static let answerTooLarge = StorageError(
        "the values have more than \(StorageAnswer.byteLimit) bytes together, ask for fewer keys")
    package static let integerOverflow = StorageError("increment or decrement would overflow")
}

/// The drivers, with the names of their operations in RoadRunner's error texts.
package enum StorageDriver: Sendable, Hashable {
    case memory
    case boltdb
    case redis

    /// - Returns: Such as `in_memory_plugin_mget`.
    package func operation(_ kind: StorageRequest.Kind) -> String {
        let name =
            switch kind {
            case .has: "has"
            case .get: "mget"
            case .timeToLive: "ttl"
            case .set: "set"
            case .add: "add"
            case .increment: "incr"
            case .expire: "mexpire"
            case .delete: "delete"
            case .clear: "clear"
            }
        return "\(self.prefix(kind))_\(name)"
    }

    private func prefix(_ kind: StorageRequest.Kind) -> String {
        switch (self, kind) {
        // PHP takes an error with `_plugin_ttl` for a driver that does not know of times.
        case (.memory, .timeToLive): "in_memory_driver"
        case (.memory, _): "in_memory_plugin"
        case (.boltdb, _): "boltdb_driver"
        case (.redis, _): "redis_driver"
        }
    }
}
