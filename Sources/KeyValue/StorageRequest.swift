import NIOCore

/// What a storage is asked for. Every list may be empty, and may name a key twice: its items are taken in their order.
package enum StorageRequest: Sendable {
    case has([ByteBuffer])
    case get([ByteBuffer])
    case timeToLive([ByteBuffer])
    /// Replaces value and expiry.
    case set([StorageItem])
    /// Sets what is absent, and leaves a key that exists alone.
    case add([StorageItem])
    /// Adds to decimal numbers.
    case increment([StorageIncrement])
    /// Replaces the expiry of keys that exist, and keeps their values.
    case expire([StorageExpiry])
    case delete([ByteBuffer])
    case clear
}

package struct StorageItem: Sendable, Hashable {
    package var key: ByteBuffer
    package var value: ByteBuffer
    /// `nil` for none. An item whose time has passed is deleted instead of stored.
    package var expiry: UnixMilliseconds?

    package init(key: ByteBuffer, value: ByteBuffer, expiry: UnixMilliseconds? = nil) {
        self.key = key
        self.value = value
        self.expiry = expiry
    }
}

package struct StorageIncrement: Sendable, Hashable {
    package var key: ByteBuffer
    /// What is added to the value, a decimal number as `StoredInteger` reads it. A key that is absent counts as 0.
    package var amount: Int64
    /// The expiry of a key that this creates, `nil` for none: a counter of a time window ends with its window. A key that
    /// exists keeps its own. If the time has passed, the new value is answered and nothing is created.
    package var expiry: UnixMilliseconds?

    package init(key: ByteBuffer, by amount: Int64, expiry: UnixMilliseconds? = nil) {
        self.key = key
        self.amount = amount
        self.expiry = expiry
    }
}

package struct StorageExpiry: Sendable, Hashable {
    package var key: ByteBuffer
    /// A key whose time has passed is deleted.
    package var expiry: UnixMilliseconds

    package init(key: ByteBuffer, at expiry: UnixMilliseconds) {
        self.key = key
        self.expiry = expiry
    }
}

extension StorageRequest {
    /// A request without what it names.
    package enum Kind: Sendable, Hashable, CaseIterable {
        case has, get, timeToLive, set, add, increment, expire, delete, clear
    }

    package var kind: Kind {
        switch self {
        case .has: .has
        case .get: .get
        case .timeToLive: .timeToLive
        case .set: .set
        case .add: .add
        case .increment: .increment
        case .expire: .expire
        case .delete: .delete
        case .clear: .clear
        }
    }
}
