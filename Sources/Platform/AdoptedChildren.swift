import Glibc

/// As a subreaper, or as process 1 of a container, we become the parent of processes whose own parent has ended; nobody
/// but us can reap those.
package struct AdoptedChildren {
    /// How often is looked: a zombie costs an entry in the process table and no more.
    package static let interval = Duration.seconds(1)

    /// Ended children that were there at the last look.
    private var seen: Set<pid_t> = []

    package init() {}

    /// Whether any child has ended and is not reaped: one system call, and nearly always the answer is no.
    private static var anyHasEnded: Bool {
        var info = siginfo_t()
        return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    /// Reaps ended children that are nobody's.
    ///
    /// One is reaped at the second look only: what a library of ours has started it reaps itself, at once.
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
