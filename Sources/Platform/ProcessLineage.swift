import Glibc

/// The processes on whose behalf a process may have been started.
package struct ProcessLineage {
    /// The longest chain of shells and wrappers; no worker has a longer one.
    private static let longest = 16

    /// The process itself, the leader of its process group, and its ancestors up to, but not including, this process.
    /// Empty if the process does not exist.
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
        // The group may be that of the shell that started this process, too.
        self.processes = processes.filter { $0 != own }
    }

    /// Whether a process is a child of this one that has not ended.
    package static func isLivingChild(_ pid: pid_t) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo == 0
    }
}
