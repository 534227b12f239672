import Glibc

/// Reaps the processes that this one has inherited: as a subreaper, or as process 1 of a container, it becomes the parent
/// of all processes whose own parent has ended.
package struct AdoptedChildren {
    /// The time between two calls of ``reap(sparing:)``. A zombie costs an entry in the process table and no more.
    package static let interval = Duration.seconds(1)

    /// Ended children that the previous call found.
    private var seen: Set<pid_t> = []

    package init() {}

    /// Whether any child has ended and is not reaped. Takes one system call; the answer is nearly always no.
    private static var anyHasEnded: Bool {
        var info = siginfo_t()
        return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    /// Reaps ended children that have no owner in this process.
    ///
    /// A child is reaped only at the second call: a library that started a process itself reaps it at once.
    ///
    /// - Parameter owned: Children that other code waits for.
    package mutating func reap(sparing owned: Set<pid_t>) {
        let ended = Self.anyHasEnded ? Self.endedChildren().subtracting(owned) : []
        for child in ended.intersection(self.seen) {
            waitpid(child, nil, WNOHANG)
        }
        self.seen = ended.subtracting(self.seen)
    }

    /// Children that have ended and are not reaped.
    private static func endedChildren() -> Set<pid_t> {
        let own = getpid()
        return Set(ProcessTable().entries.filter { $0.hasEnded && $0.parent == own }.map(\.pid))
    }
}
