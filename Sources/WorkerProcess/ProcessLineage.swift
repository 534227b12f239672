import Glibc
import SystemPackage

/// The processes that a process may have been started for, or by.
struct ProcessLineage {
    /// A chain of shells and wrappers; a longer one is nobody's worker.
    private static let longest = 16

    /// Itself, the leader of its process group, and its ancestors, down to this process, which is not among them; empty
    /// when there is no such process.
    let processes: [pid_t]

    init(of pid: pid_t) {
        let group = getpgid(pid)
        guard group > 0 else {
            self.processes = []
            return
        }
        var processes = [pid, group]
        var ancestor = pid
        let own = getpid()
        while processes.count < Self.longest, let parent = Self.parent(of: ancestor), parent > 1, parent != own {
            processes.append(parent)
            ancestor = parent
        }
        // Our own group is that of who has started us, too.
        self.processes = processes.filter { $0 != own }
    }

    /// Whether it is a child of ours that has not ended.
    static func isLivingChild(_ pid: pid_t) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo == 0
    }

    private static func parent(of pid: pid_t) -> pid_t? {
        // "pid (name) state parent …": the name may hold anything, the last parenthesis ends it.
        guard let file = try? Descriptor.open("/proc/\(pid)/stat", .readOnly, options: .closeOnExec) else {
            return nil
        }
        defer { try? file.close() }
        return withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
            guard let count = try? file.read(into: buffer),
                let end = buffer[..<count].lastIndex(of: UInt8(ascii: ")"))
            else {
                return nil
            }
            let words = String(decoding: buffer[(end + 1)..<count], as: UTF8.self).split(separator: " ")
            return words.count > 1 ? pid_t(words[1]) : nil
        }
    }
}
