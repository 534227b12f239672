import Synchronization

/// The bytes of answers that clients have not taken yet, over all connections, and their limit.
///
/// Connections count the answers that they write; relays check for room before they read a large answer from a worker.
/// An answer that is being read when the limit is reached is still read to its end, so the limit may be exceeded by one
/// answer per worker.
package final class PendingAnswers: Sendable {
    private let total = Atomic<Int>(0)
    private let limit = Atomic<Int>(.max)

    package init() {}

    package var bytes: Int {
        self.total.load(ordering: .relaxed)
    }

    /// Whether large answers must wait until clients have taken some bytes.
    package var isFull: Bool {
        self.bytes >= self.limit.load(ordering: .relaxed)
    }

    /// Whether at least half of the limit is pending.
    package var isHalfFull: Bool {
        self.bytes >= self.limit.load(ordering: .relaxed) / 2
    }

    /// - Parameter limit: In bytes, at least 1; `nil` for no limit.
    package func setLimit(_ limit: Int?) {
        self.limit.store(limit.map { max(1, $0) } ?? .max, ordering: .relaxed)
    }

    package func add(_ bytes: Int) {
        self.total.wrappingAdd(bytes, ordering: .relaxed)
    }
}
