import Glibc

/// Reads `/proc`. All other code gets information about processes from here.
///
/// Each call opens files, so do not use it on an event loop with packets. A process may end at any time, and is then
/// absent.
package struct ProcessFiles: Sendable {
    private let files: SystemFiles

    /// - Parameter root: The directory that holds `/proc`; empty for the real one.
    package init(root: String = "") {
        self.init(SystemFiles(root: root))
    }

    init(_ files: SystemFiles) {
        self.files = files
    }

    /// The ids of all processes; none without `/proc`.
    package func processes() -> [pid_t] {
        var processes: [pid_t] = []
        self.files.forEachName(in: "/proc") { _, name in
            if let pid = pid_t(String(cString: name)) {
                processes.append(pid)
            }
            return true
        }
        return processes
    }

    /// `/proc/PID/stat`.
    ///
    /// - Parameter pid: `nil` for this process.
    package func statistics(of pid: pid_t? = nil) -> ProcessStatistics? {
        self.files.bytes(Self.path(pid, "stat")).flatMap { ProcessStatistics($0) }
    }

    /// A line of `/proc/self/status`, without its name.
    package func status(_ name: String) -> Substring? {
        let text = self.files.text("/proc/self/status") ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix("\(name):") }?.dropFirst(name.utf8.count + 1)
    }

    /// Bytes of memory, by `/proc/PID/statm`.
    package struct Memory: Sendable, Hashable {
        package var virtual: Int
        package var resident: Int

        /// - Parameters:
        ///   - text: `total resident …`, in pages.
        ///   - pageSize: Bytes.
        init?(_ text: some StringProtocol, pageSize: Int) {
            let pages = text.split(separator: " ").prefix(2).compactMap { Int($0) }
            let bytes = pages.map { $0.multipliedReportingOverflow(by: pageSize) }
            guard bytes.count == 2, bytes.allSatisfy({ !$0.overflow && $0.partialValue >= 0 }) else {
                return nil
            }
            self.virtual = bytes[0].partialValue
            self.resident = bytes[1].partialValue
        }
    }

    /// - Parameter pid: `nil` for this process.
    package func memory(of pid: pid_t? = nil) -> Memory? {
        self.files.text(Self.path(pid, "statm")).flatMap { Memory($0, pageSize: Int(sysconf(Int32(_SC_PAGESIZE)))) }
    }

    /// The working directory of a process, by device and inode; `nil` if it may not be examined.
    package func workingDirectory(of pid: pid_t) -> FileIdentity? {
        FileIdentity(ofPath: self.files.root + Self.path(pid, "cwd"))
    }

    /// The number of this process's open descriptors.
    package func descriptorCount() -> Int? {
        var count = 0
        let isListed = self.files.forEachName(in: "/proc/self/fd") { _, _ in
            count += 1
            return true
        }
        // Do not count the descriptor of the directory itself.
        return isListed ? max(0, count - 1) : nil
    }

    /// Whether a process has a descriptor of the file with this name, such as `socket:[12]`.
    ///
    /// - Returns: `nil` if the process exists but its descriptors cannot be read.
    package func holds(_ pid: pid_t, _ target: String) -> Bool? {
        let wanted = Array(target.utf8)
        var isHeld: Bool? = false
        let isListed = withUnsafeTemporaryAllocation(of: CChar.self, capacity: wanted.count + 1) { buffer in
            self.files.forEachName(in: Self.path(pid, "fd")) { directory, name in
                let count = readlinkat(directory, name, buffer.baseAddress!, buffer.count)
                if count == wanted.count, buffer[..<count].elementsEqual(wanted.lazy.map { CChar(bitPattern: $0) }) {
                    isHeld = true
                    return false
                }
                // Listing them takes root's own rights, reading them the capability to trace.
                if count < 0, errno == EACCES || errno == EPERM {
                    isHeld = nil
                    return false
                }
                return true
            }
        }
        guard isListed else {
            return getpgid(pid) > 0 ? nil : false
        }
        return isHeld
    }

    /// The machine's boot time, in seconds since 1970: the line `btime` of `/proc/stat`.
    package func bootTime() -> Int? {
        guard let bytes = self.files.bytes("/proc/stat") else {
            return nil
        }
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "btime ".utf8) }
        return line.flatMap { Int(String(decoding: $0.dropFirst(6), as: UTF8.self)) }
    }

    private static func path(_ pid: pid_t?, _ name: String) -> String {
        "/proc/\(pid.map { "\($0)" } ?? "self")/\(name)"
    }
}
