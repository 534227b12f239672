import Addresses
import NIOCore
import Sockets
import WorkerPool

/// Which worker gets the events of a server's connections.
package enum Dispatch: Sendable, Hashable {
    /// Any that is free.
    case free
    /// Preferably always the same one for a connection; `patience` as in ``Affinity``.
    case connection(patience: TimeAmount)
    /// Preferably always the same one for all connections of a client's address, of a /64 of IPv6.
    case ip(patience: TimeAmount)

    func loyalty(of id: ConnectionID, at address: SocketAddress?) -> WorkerLoyalty? {
        switch self {
        case .free:
            return nil
        case .connection(let patience):
            return WorkerLoyalty(Affinity(key: id.hash, patience: patience))
        case .ip(let patience):
            let client = address?.ip.map { ClientTable.key(of: $0) }
            return WorkerLoyalty(Affinity(key: client.map { $0.high ^ $0.low } ?? id.hash, patience: patience))
        }
    }
}

/// The worker that a connection is to stay with. Confined as the event of its connection that is with the pool.
final class WorkerLoyalty {
    let affinity: Affinity
    /// The worker that has answered the last event.
    private var last: WorkerID?
    /// The worker that the present event was last written to.
    private var current: WorkerID?

    init(_ affinity: Affinity) {
        self.affinity = affinity
    }

    /// Whether an event goes to another worker than the one before.
    func moves(to worker: WorkerID) -> Bool {
        self.current = worker
        return self.last.map { $0 != worker } ?? false
    }

    /// The event is over.
    func finished() {
        self.last = self.current
    }
}
