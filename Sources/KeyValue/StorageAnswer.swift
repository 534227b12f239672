/// What a request of the same kind is answered with. Each list has an element for each item of the request, in its order.
package enum StorageAnswer: Sendable {
    /// The most bytes of values in one answer: a few bytes of a request may name a large value a million times. A driver
    /// that copies values fails beyond it with ``StorageError/answerTooLarge``; the service fails every other call.
    package static let byteLimit = 256 << 20

    /// Of `set`, `expire`, `delete` and `clear`.
    case done
    /// Of `has`.
    case existence([Bool])
    /// Of `get`: `nil` for a key that is absent.
    case values([StoredValue?])
    /// Of `timeToLive`.
    case expiries([KeyExpiry])
    /// Of `add`: whether the key was absent, so that the item was stored.
    case added([Bool])
    /// Of `increment`: the new numbers.
    case numbers([Int64])

    /// Of all values together.
    package var byteCount: Int {
        guard case .values(let values) = self else { return 0 }
        return values.reduce(0) { $0 + ($1?.count ?? 0) }
    }
}

package enum KeyExpiry: Sendable, Hashable {
    /// There is no such key.
    case absent
    case never
    case at(UnixMilliseconds)
}
