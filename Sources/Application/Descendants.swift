import CProcess
import WorkerProcess

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What this process has started, and what that has started in its turn.
///
/// As their subreaper we are the parent of all whose own parent has ended: none gets away, whatever it does.
struct Descendants {
    /// How long the kill may take; a process that the kernel cannot end is left then.
    private static let patience = Duration.seconds(1)

    /// Children that were there before (`something & exec rr serve`): not ours to end.
    private let inherited: Set<pid_t>

    /// From now on orphans come to us.
    init() {
        _ = become_child_subreaper()
        self.inherited = Set(ProcessTable().entries.filter { $0.parent == getpid() }.map(\.pid))
    }

    /// Kills all that live, and reaps them. Nothing that we still wait for may be among them.
    ///
    /// - Returns: How many those were.
    @discardableResult
    func kill() -> Int {
        var killed: Set<pid_t> = []
        let deadline = ContinuousClock.now + Self.patience
        repeat {
            let alive = ProcessTable().descendants(of: getpid(), sparing: self.inherited)
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
