import Glibc

/// A snapshot of all processes in `/proc`. It reads a file per process: do not take it on an event loop with packets.
package struct ProcessTable: Sendable {
    package struct Entry: Sendable, Hashable {
        package var pid: pid_t
        package var parent: pid_t
        /// Whether it has ended and waits to be reaped.
        package var hasEnded: Bool

        package init(pid: pid_t, parent: pid_t, hasEnded: Bool) {
            self.pid = pid
            self.parent = parent
            self.hasEnded = hasEnded
        }
    }

    package let entries: [Entry]
    private let children: [pid_t: [Entry]]

    package init(_ entries: [Entry]) {
        self.entries = entries
        self.children = Dictionary(grouping: entries, by: \.parent)
    }

    /// Reads the table; it is empty without `/proc`.
    package init() {
        let files = ProcessFiles()
        self.init(
            files.processes().compactMap { pid in
                files.statistics(of: pid).map { Entry(pid: pid, parent: $0.parent, hasEnded: $0.hasEnded) }
            }
        )
    }

    /// The live ones of some processes, and all their descendants.
    package func families(of processes: Set<pid_t>) -> Set<pid_t> {
        let alive = Set(self.entries.lazy.filter { !$0.hasEnded }.map(\.pid))
        return processes.reduce(into: processes.intersection(alive)) { $0.formUnion(self.descendants(of: $1)) }
    }

    /// The live descendants of a process.
    ///
    /// - Parameter spared: Children to leave out, with all their descendants.
    package func descendants(of root: pid_t, sparing spared: Set<pid_t> = []) -> Set<pid_t> {
        var found: Set<pid_t> = []
        var next = [root]
        while let parent = next.popLast() {
            for child in self.children[parent] ?? []
            where !child.hasEnded && !spared.contains(child.pid) && found.insert(child.pid).inserted {
                next.append(child.pid)
            }
        }
        return found
    }
}
