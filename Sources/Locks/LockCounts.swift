/// The figures of all locks.
package struct LockCounts: Sendable, Hashable {
    /// Locks that are held: a resource with three readers has three.
    package var held = 0
    /// Requests that wait for a lock.
    package var waiting = 0
    /// Locks that ended because their time was over.
    package var expired: UInt64 = 0
    /// Requests that waited in vain.
    package var timedOut: UInt64 = 0
    /// Requests that were refused because there were too many locks.
    package var refused: UInt64 = 0
}
