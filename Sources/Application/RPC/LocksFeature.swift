import Features
import Locks
import NIOCore
import Observability
import RPC
import Synchronization

/// The locks of workers, if there is an `rpc` section.
final class LocksFeature: Feature {
    private let locks = Mutex<LockService?>(nil)

    /// The calls of workers.
    ///
    /// - Parameter loop: Has the timer.
    func service(on loop: any EventLoop) -> RPCService {
        let locks = LockService(loop: loop)
        self.locks.withLock { $0 = locks }
        return locks.rpc
    }

    func addMetrics(to text: inout PrometheusText) {
        guard let counts = self.locks.withLock({ $0 })?.counts else {
            return
        }
        text.family("rr_lock_held", .gauge, "Locks that workers hold.", counts.held)
        text.family("rr_lock_waiting", .gauge, "Calls that wait for a lock.", counts.waiting)
        text.family("rr_lock_expired_total", .counter, "Locks that ended by their time.", counts.expired)
        text.family("rr_lock_timeouts_total", .counter, "Calls that waited for a lock in vain.", counts.timedOut)
        text.family(
            "rr_lock_refused_total", .counter, "Calls that were refused because there are too many locks.",
            counts.refused)
    }
}
