import Synchronization

/// How many connections may be open: each takes a descriptor, and some are kept for workers.
/// Looked at between two batches of accepts, so a few more may be accepted than are allowed.
final class ConnectionLimit: Sendable {
    private let open = Atomic(0)
    private let maximum = Atomic(Int.max)

    var isReached: Bool {
        self.open.load(ordering: .relaxed) >= self.maximum.load(ordering: .relaxed)
    }

    func set(_ maximum: Int) {
        self.maximum.store(maximum, ordering: .relaxed)
    }

    func opened() {
        self.open.wrappingAdd(1, ordering: .relaxed)
    }

    func closed() {
        self.open.wrappingSubtract(1, ordering: .relaxed)
    }
}
