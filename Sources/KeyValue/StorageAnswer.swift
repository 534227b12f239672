/// What a request of the same kind is answered with. Each list has an element for each item of the request, in its order.
package enum StorageAnswer: Sendable {
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
}

package enum KeyExpiry: Sendable, Hashable {
    /// There is no such key.
    case absent
    case never
    case at(UnixMilliseconds)
}
