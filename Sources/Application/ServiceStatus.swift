import Observability
import Synchronization

/// Where the service is, for probes and metrics, which ask beside the lifecycle.
final class ServiceStatus: Sendable {
    private let current = Mutex(ServicePhase.starting)
    private let isCut = Mutex(false)

    /// Whether the process leaves at once: whatever else comes to its end then does not decide the exit code.
    var isLeavingAtOnce: Bool {
        get { self.isCut.withLock { $0 } }
        set { self.isCut.withLock { $0 = newValue } }
    }

    var phase: ServicePhase {
        get { self.current.withLock { $0 } }
        set { self.current.withLock { $0 = newValue } }
    }
}
