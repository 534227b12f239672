import NIOCore
import Sockets
import Synchronization

/// Limits the number of open connections: each takes a descriptor, and some descriptors are reserved for workers. The
/// limit is checked between batches of accepts, so each listener may exceed it by one batch.
final class ConnectionLimit: AcceptLimit {
    private static let checkInterval = TimeAmount.milliseconds(10)

    let reason = "too many connections for the limit of open descriptors"
    private let open = Atomic(0)
    private let maximum = Atomic(Int.max)
    private let currentBatch = Atomic(16)

    var isReached: Bool {
        self.open.load(ordering: .relaxed) >= self.maximum.load(ordering: .relaxed)
    }

    func delay() -> TimeAmount? {
        self.isReached ? Self.checkInterval : nil
    }

    /// How many connections a new listener accepts in a row.
    var batch: Int {
        self.currentBatch.load(ordering: .relaxed)
    }

    func set(_ maximum: Int, batch: Int) {
        self.maximum.store(maximum, ordering: .relaxed)
        self.currentBatch.store(batch, ordering: .relaxed)
    }

    func opened() {
        self.open.wrappingAdd(1, ordering: .relaxed)
    }

    func closed() {
        self.open.wrappingSubtract(1, ordering: .relaxed)
    }
}
