import Synchronization

/// Bytes of answers that clients have not taken yet, of all connections together, and how many there should be at most.
///
/// Who writes answers counts; who reads large ones from workers looks first whether there is room. An answer that
/// is being read when the limit is reached is still read to its end, so the limit may be exceeded by one answer for each
/// worker.
package final class PendingAnswers: Sendable {
    private let total = Atomic<Int>(0)
    private let limit = Atomic<Int>(.max)

    package init() {}

    package var bytes: Int {
        self.total.load(ordering: .relaxed)
    }

    /// Whether no large answer is to be read before clients have taken some.
    package var isFull: Bool {
        self.bytes >= self.limit.load(ordering: .relaxed)
    }

    /// Whether so much is pending that it is worth making room once there is none.
    package var isHalfFull: Bool {
        self.bytes >= self.limit.load(ordering: .relaxed) / 2
    }

    /// - Parameter limit: In bytes, at least 1; `nil` for no bound.
    package func setLimit(_ limit: Int?) {
        self.limit.store(limit.map { max(1, $0) } ?? .max, ordering: .relaxed)
    }

    package func add(_ bytes: Int) {
        self.total.wrappingAdd(bytes, ordering: .relaxed)
    }
}
