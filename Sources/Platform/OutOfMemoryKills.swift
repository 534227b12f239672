import Synchronization

/// Tells whether the kernel's killing for want of memory may be why a process of ours was killed.
package final class OutOfMemoryKills: Sendable {
    private struct State {
        var seen: Int
        /// Kills that explain no process yet.
        var unexplained = 0
    }

    private let groups: ControlGroups
    private let state: Mutex<State>

    /// - Parameter root: The directory that holds `/proc` and `/sys`; empty for the real ones.
    package init(root: String = "") {
        self.groups = ControlGroups(root: root)
        self.state = Mutex(State(seen: self.groups.outOfMemoryKills ?? 0))
    }

    /// Asks for one process that has ended by SIGKILL; each kill that the kernel counts explains one. Reads a file: not
    /// for an event loop with packets.
    package func explainOne() -> Bool {
        guard let count = self.groups.outOfMemoryKills else {
            return false
        }
        return self.state.withLock { state in
            state.unexplained += max(0, count - state.seen)
            state.seen = max(count, state.seen)
            guard state.unexplained > 0 else {
                return false
            }
            state.unexplained -= 1
            return true
        }
    }
}
