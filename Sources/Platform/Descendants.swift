import CProcess
import Glibc
import Synchronization

/// The processes that this one has started, directly or indirectly.
///
/// This process is their subreaper: it becomes the parent of a descendant whose own parent ends, so that none is lost.
package final class Descendants: Sendable {
    /// How long the kill may take. A process that the kernel has not ended by then is left alone.
    private static let patience = Duration.seconds(1)

    /// Children from before the exec (`something & exec rr serve`) and their descendants. They are spared.
    private let inherited: Mutex<Set<pid_t>>

    /// Makes this process the parent of its descendants' orphans.
    package init() {
        _ = become_child_subreaper()
        let table = ProcessTable()
        let children = table.entries.filter { $0.parent == getpid() }.map(\.pid)
        self.inherited = Mutex(table.families(of: Set(children)))
    }

    /// Finds the processes that the inherited children have started meanwhile. Must be called often: once the parent of
    /// such a process has ended, its origin is unknown.
    package func lookAtInherited() {
        self.inherited.withLock { inherited in
            if !inherited.isEmpty {
                inherited = ProcessTable().families(of: inherited)
            }
        }
    }

    /// Kills all descendants, and reaps them. The caller must not wait for any of them.
    ///
    /// - Returns: The number of processes that were killed.
    @discardableResult
    package func kill() -> Int {
        self.lookAtInherited()
        let inherited = self.inherited.withLock { $0 }
        var killed: Set<pid_t> = []
        let deadline = ContinuousClock.now + Self.patience
        repeat {
            let alive = ProcessTable().descendants(of: getpid(), sparing: inherited)
            for process in alive {
                Glibc.kill(process, SIGKILL)
            }
            killed.formUnion(alive)
            while waitpid(-1, nil, WNOHANG) > 0 {}
            guard !alive.isEmpty else {
                break
            }
            usleep(5000)
        } while ContinuousClock.now < deadline
        return killed.count
    }
}
