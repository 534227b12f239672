import Synchronization

/// Tells whether the kernel's out-of-memory killer may have killed a process of this service.
package final class OutOfMemoryKills: Sendable {
    private struct State {
        var seen: Int
        /// Kills that have not been matched with a process yet.
        var unexplained = 0
    }

    private let groups: ControlGroups
    private let state: Mutex<State>

    /// - Parameter root: The directory that holds `/proc` and `/sys`; empty for the real ones.
    package init(root: String = "") {
        self.groups = ControlGroups(root: root)
        self.state = Mutex(State(seen: self.groups.outOfMemoryKills ?? 0))
    }

    /// Matches one process that has ended by SIGKILL with a kill that the kernel has counted. Reads a file: do not call
    /// it on an event loop with packets.
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
