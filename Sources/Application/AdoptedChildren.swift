import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// As process 1 of a container, or as a subreaper, we become the parent of processes whose own parent has ended;
/// nobody but us can reap those.
struct AdoptedChildren {
    /// How often is looked: a zombie costs an entry in the process table and no more.
    static let interval = Duration.seconds(1)

    /// Ended children that were there at the last look.
    private var seen: Set<pid_t> = []

    /// Whether any child has ended and is not reaped: one system call, and nearly always the answer is no.
    private static var anyHasEnded: Bool {
        var info = siginfo_t()
        return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    /// Reaps ended children that are nobody's.
    ///
    /// One is reaped at the second look only: what a library of ours has started it reaps itself, at once.
    mutating func reap(sparing owned: Set<pid_t>) {
        let ended = Self.anyHasEnded ? Self.endedChildren().subtracting(owned) : []
        for child in ended.intersection(self.seen) {
            waitpid(child, nil, WNOHANG)
        }
        self.seen = ended.subtracting(self.seen)
    }

    /// Children that have ended and are not reaped, out of `/proc`.
    private static func endedChildren() -> Set<pid_t> {
        guard let directory = opendir("/proc") else {
            return []
        }
        defer { closedir(directory) }
        var children: Set<pid_t> = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let child = pid_t(name), self.isEndedChild(child) {
                children.insert(child)
            }
        }
        return children
    }

    /// `pid (comm) state ppid …`; the name may hold anything, so what follows its last parenthesis counts.
    private static func isEndedChild(_ child: pid_t) -> Bool {
        guard let file = try? FileDescriptor.open("/proc/\(child)/stat", .readOnly) else {
            return false
        }
        defer { try? file.close() }
        return withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
            guard let count = try? file.read(into: buffer) else {
                return false
            }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            let fields = text.drop { $0 != ")" }.split(separator: ")").last?.split(separator: " ")
            return fields?.first == "Z" && fields?.dropFirst().first.flatMap { pid_t($0) } == getpid()
        }
    }
}
