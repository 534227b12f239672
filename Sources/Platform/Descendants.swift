import CProcess
import Glibc
import Synchronization

/// What this process has started, and what that has started in its turn.
///
/// As their subreaper we are the parent of all whose own parent has ended: none gets away, whatever it does.
package final class Descendants: Sendable {
    /// How long the kill may take; a process that the kernel cannot end is left then.
    private static let patience = Duration.seconds(1)

    /// Children that were there before (`something & exec rr serve`), and what they have started: not ours to end.
    private let inherited: Mutex<Set<pid_t>>

    /// From now on orphans come to us.
    package init() {
        _ = become_child_subreaper()
        let table = ProcessTable()
        let children = table.entries.filter { $0.parent == getpid() }.map(\.pid)
        self.inherited = Mutex(table.families(of: Set(children)))
    }

    /// Looks what those that were there before have started meanwhile: its parent may have ended at the next look.
    package func lookAtInherited() {
        self.inherited.withLock { inherited in
            if !inherited.isEmpty {
                inherited = ProcessTable().families(of: inherited)
            }
        }
    }

    /// Kills all that live, and reaps them. Nothing that we still wait for may be among them.
    ///
    /// - Returns: How many those were.
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
