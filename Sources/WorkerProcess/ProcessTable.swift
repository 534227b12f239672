import Glibc
import SystemPackage

/// One look at all processes that `/proc` shows: a file for each, so not for an event loop with packets.
package struct ProcessTable: Sendable {
    package struct Entry: Sendable, Hashable {
        package var pid: pid_t
        package var parent: pid_t
        /// Whether it has ended and waits to be reaped.
        package var hasEnded: Bool

        init(pid: pid_t, parent: pid_t, hasEnded: Bool) {
            self.pid = pid
            self.parent = parent
            self.hasEnded = hasEnded
        }

        /// - Parameter statistics: `/proc/PID/stat`: `pid (name) state parent …`. The name may hold anything, so what
        ///   follows its last parenthesis counts.
        init?(_ pid: pid_t, statistics: some StringProtocol) {
            guard let end = statistics.lastIndex(of: ")") else {
                return nil
            }
            let fields = statistics[end...].dropFirst().split(separator: " ", maxSplits: 2)
            guard fields.count == 3, let parent = pid_t(fields[1]) else {
                return nil
            }
            self.init(pid: pid, parent: parent, hasEnded: fields[0] == "Z" || fields[0] == "X")
        }
    }

    package let entries: [Entry]
    private let children: [pid_t: [Entry]]

    init(_ entries: [Entry]) {
        self.entries = entries
        self.children = Dictionary(grouping: entries, by: \.parent)
    }

    /// Looks; without `/proc` there are none.
    package init() {
        var entries: [Entry] = []
        if let directory = opendir("/proc") {
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if let entry = pid_t(name).flatMap({ Self.read($0) }) {
                    entries.append(entry)
                }
            }
        }
        self.init(entries)
    }

    /// `nil` when it has been reaped meanwhile.
    private static func read(_ pid: pid_t) -> Entry? {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/stat", .readOnly, options: .closeOnExec) else {
            return nil
        }
        defer { try? file.close() }
        return withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
            guard let count = try? file.read(into: buffer) else {
                return nil
            }
            return Entry(pid, statistics: String(decoding: buffer[..<count], as: UTF8.self))
        }
    }

    /// Those of some processes that live, and all that they have started.
    package func families(of processes: Set<pid_t>) -> Set<pid_t> {
        let alive = Set(self.entries.lazy.filter { !$0.hasEnded }.map(\.pid))
        return processes.reduce(into: processes.intersection(alive)) { $0.formUnion(self.descendants(of: $1)) }
    }

    /// Those that a process has started and that live, and those that they have started in their turn.
    ///
    /// - Parameter spared: Children that are left out with all of theirs.
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
