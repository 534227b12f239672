import Dispatch
import Glibc
import Platform
import Synchronization

/// Kills workers with all their descendants, regardless of process groups and sessions.
///
/// Only the chain of parents identifies a worker's descendant, and it breaks when one of them ends. So the worker is
/// frozen first, then its descendants, and all are killed once no more are found. Each look reads a file per process
/// of the machine, so it runs on a queue, once for all workers that are to be killed.
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
            guard !relays.isEmpty else {
                return
            }
            var hunt = DescendantHunt(look: { ProcessTable() }, signal: isSignalled)
            hunt.kill(descendantsOf: relays.map { relay in { relay.processID } })
            for relay in relays {
                relay.signal(SIGKILL)
            }
        }
    }
}

private func isSignalled(_ process: pid_t, _ signal: CInt) -> Bool {
    kill(process, signal) == 0 || errno != EPERM
}

/// Freezes and kills the descendants of frozen workers.
///
/// It is bounded: a process that may not be signalled (another user's) can go on starting others, and is left alone.
struct DescendantHunt {
    /// The most looks; each but the last has found processes that were started meanwhile.
    static let mostLooks = 16

    /// Takes a snapshot of all processes.
    var look: () -> ProcessTable
    /// Sends a signal to a process; `false` if that is not permitted.
    var signal: (pid_t, CInt) -> Bool
    private var frozen: Set<pid_t> = []
    /// Processes that may not be signalled.
    private var untouchable: Set<pid_t> = []

    init(look: @escaping () -> ProcessTable, signal: @escaping (pid_t, CInt) -> Bool) {
        self.look = look
        self.signal = signal
    }

    /// - Parameter workers: The process of each worker; `nil` when it has been reaped.
    mutating func kill(descendantsOf workers: [() -> pid_t?]) {
        var looks = 0
        var isComplete = false
        while !isComplete, looks < Self.mostLooks {
            isComplete = self.send(SIGSTOP, toNewDescendantsOf: workers).isEmpty
            looks += 1
        }
        for process in self.frozen {
            _ = self.signal(process, SIGKILL)
        }
        if !isComplete {
            // The workers are still frozen, so later descendants can be identified as theirs.
            _ = self.send(SIGKILL, toNewDescendantsOf: workers)
        }
    }

    /// - Returns: All new descendants, including those that may not be signalled.
    private mutating func send(_ signal: CInt, toNewDescendantsOf workers: [() -> pid_t?]) -> Set<pid_t> {
        let table = self.look()
        var new: Set<pid_t> = []
        for worker in workers {
            guard let pid = worker() else {
                continue
            }
            let found = table.descendants(of: pid).subtracting(self.frozen).subtracting(self.untouchable)
            // If the worker has been reaped since, its id may have been another process's in the snapshot.
            guard !found.isEmpty, worker() != nil else {
                continue
            }
            for process in found {
                if self.signal(process, signal) {
                    self.frozen.insert(process)
                } else {
                    self.untouchable.insert(process)
                }
            }
            new.formUnion(found)
        }
        return new
    }
}
