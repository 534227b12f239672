import Glibc

/// The processes that a process may have been started for, or by.
package struct ProcessLineage {
    /// A chain of shells and wrappers; no worker has a longer one.
    private static let longest = 16

    /// Itself, the leader of its process group, and its ancestors, down to this process, which is not among them; empty
    /// when there is no such process.
    package let processes: [pid_t]

    package init(of pid: pid_t) {
        let group = getpgid(pid)
        guard group > 0 else {
            self.processes = []
            return
        }
        var processes = [pid, group]
        var ancestor = pid
        let own = getpid()
        let files = ProcessFiles()
        while processes.count < Self.longest, let parent = files.statistics(of: ancestor)?.parent, parent > 1,
            parent != own
        {
            processes.append(parent)
            ancestor = parent
        }
        // The own group may be that of the shell that has started this process, too.
        self.processes = processes.filter { $0 != own }
    }

    /// Whether it is a child of ours that has not ended.
    package static func isLivingChild(_ pid: pid_t) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo == 0
    }
}
