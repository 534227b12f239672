/// How a resource is locked.
enum LockMode: Sendable, Hashable {
    /// By one owner alone.
    case exclusive
    /// By any number of readers.
    case shared
}

/// The number of one claim: ascending, never used twice.
struct ClaimNumber: Sendable, Hashable, Comparable {
    var value: UInt64

    static func < (one: Self, other: Self) -> Bool {
        one.value < other.value
    }
}

/// What somebody wants of a resource, from the request until the lock is over or was not had.
struct LockClaim: Sendable, Hashable {
    var number: ClaimNumber
    /// The id that the lock is released with.
    var owner: String
    var mode: LockMode
    /// In microseconds, from the moment that the lock is had; at least 1.
    var ttl: Int64
}
