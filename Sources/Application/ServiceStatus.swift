import Observability
import Synchronization

/// Where the service is, for those who ask beside the lifecycle: probes and metrics.
final class ServiceStatus: Sendable {
    private let current = Mutex(ServicePhase.starting)

    var phase: ServicePhase {
        get { self.current.withLock { $0 } }
        set { self.current.withLock { $0 = newValue } }
    }
}
