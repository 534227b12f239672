import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Kills workers with all that they have started, whatever process groups and sessions that has moved to.
///
/// A process is known as a worker's by its parents alone, and those are lost when one of them ends. So a worker is frozen
/// first, then what it has started, and killed when nothing more is found. A look takes a file for each process of the
/// machine: it is done on a queue, once for all workers that are to be killed.
final class WorkerKiller: Sendable {
    static let shared = WorkerKiller()

    private let queue = DispatchQueue(label: "worker-killer")
    private let condemned = Mutex<[WorkerRelay]>([])

    private init() {}

    func kill(_ relay: WorkerRelay) {
        relay.condemn()
        self.condemned.withLock { $0.append(relay) }
        self.queue.async {
            let relays = self.condemned.withLock { condemned in
                defer { condemned = [] }
                return condemned
            }
            if !relays.isEmpty {
                self.killNow(relays)
            }
        }
    }

    private func killNow(_ relays: [WorkerRelay]) {
        var frozen: [pid_t: Set<pid_t>] = [:]
        var isComplete = false
        while !isComplete {
            isComplete = true
            let table = ProcessTable()
            for case (let relay, let pid?) in relays.map({ ($0, $0.processID) }) {
                let found = table.descendants(of: pid).subtracting(frozen[pid, default: []])
                // Reaped since the look, its id was perhaps another's then.
                if !found.isEmpty, relay.processID != nil {
                    Self.send(SIGSTOP, to: found)
                    frozen[pid, default: []].formUnion(found)
                    isComplete = false
                }
            }
        }
        for relay in relays {
            relay.signal(SIGKILL)
        }
        for descendants in frozen.values {
            Self.send(SIGKILL, to: descendants)
        }
    }

    private static func send(_ signal: CInt, to processes: Set<pid_t>) {
        for process in processes {
            Glibc.kill(process, signal)
        }
    }
}
