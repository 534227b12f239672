import Observability
import Synchronization

/// The service's phase, for probes and metrics, which run outside the lifecycle.
final class ServiceStatus: Sendable {
    private let current = Mutex(ServicePhase.starting)
    private let isCut = Mutex(false)

    /// Whether the process is exiting at once: other parts that end then must not set the exit code.
    var isLeavingAtOnce: Bool {
        get { self.isCut.withLock { $0 } }
        set { self.isCut.withLock { $0 = newValue } }
    }

    var phase: ServicePhase {
        get { self.current.withLock { $0 } }
        set { self.current.withLock { $0 = newValue } }
    }
}
