/// The control groups of this process, of version 1 and 2, as far as they are mounted.
///
/// A limit holds for all groups below the one that has it, so all groups from the process's own up to the
/// mount are read, and the smallest limit counts. In a container the groups above the mount cannot be seen.
package struct ControlGroups: Sendable {
    private static let unified = ""

    private let files: SystemFiles
    /// Directories from the process's own group up to the mount, by controller; ``unified`` is version 2.
    private let directories: [String: [String]]

    /// - Parameter root: The directory that holds `/proc` and `/sys`; empty for the real ones.
    package init(root: String = "") {
        let files = SystemFiles(root: root)
        let paths = Self.paths(files.text("/proc/self/cgroup") ?? "")
        let mounts = Self.mounts(files.text("/proc/self/mountinfo") ?? "")
        self.files = files
        self.directories = paths.reduce(into: [:]) { directories, path in
            directories[path.key] = mounts[path.key]?.directories(of: path.value)
        }
    }

    /// The processor time that the process may use, in processors; `nil` without a limit.
    package var processorQuota: Double? {
        let two = self.values("cpu.max", of: Self.unified) { text in
            let words = text.split(whereSeparator: \.isWhitespace)
            return words.count == 2 ? Self.quota(words[0], of: words[1]) : nil
        }
        let one = (self.directories["cpu"] ?? []).compactMap { directory -> Double? in
            guard let quota = self.files.text("\(directory)/cpu.cfs_quota_us"),
                let period = self.files.text("\(directory)/cpu.cfs_period_us")
            else {
                return nil
            }
            return Self.quota(quota.firstWord, of: period.firstWord)
        }
        return (one + two).min()
    }

    /// The bytes of memory that the process's group may use; `nil` without a limit.
    package var memoryLimit: Int? {
        // Without a limit, version 2 has `max`, version 1 the largest number of whole pages.
        let one = self.values("memory.limit_in_bytes", of: "memory") { Int($0.firstWord) }
        let two = self.values("memory.max", of: Self.unified) { Int($0.firstWord) }
        return (one + two).filter { $0 > 0 && $0 < 1 << 60 }.min()
    }

    /// The number of the group's processes that the out-of-memory killer has killed; `nil` if it is not counted.
    package var outOfMemoryKills: Int? {
        let own = [(Self.unified, "memory.events"), ("memory", "memory.oom_control")]
        for (controller, name) in own {
            guard let directory = self.directories[controller]?.first,
                let text = self.files.text("\(directory)/\(name)")
            else {
                continue
            }
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count == 2, words[0] == "oom_kill", let count = Int(words[1]) {
                    return count
                }
            }
        }
        return nil
    }

    private func values<Value>(_ name: String, of controller: String, _ parse: (String) -> Value?) -> [Value] {
        (self.directories[controller] ?? []).compactMap { self.files.text("\($0)/\(name)").flatMap(parse) }
    }

    /// - Returns: `nil` for `max`, for -1, and for text that is not a number.
    private static func quota(_ quota: Substring, of period: Substring) -> Double? {
        guard let quota = Double(quota), let period = Double(period), quota > 0, period > 0 else {
            return nil
        }
        return quota / period
    }
}

// cgroups(7) and proc_pid_mountinfo(5).
extension ControlGroups {
    /// The mount of a hierarchy.
    private struct Mount {
        /// The group that the mount shows as its root.
        var root: String
        /// The directory of that group.
        var point: String

        /// The directories from a group up to the mount; only the mount's if the group is outside of it.
        func directories(of group: String) -> [String] {
            let base = self.root == "/" ? "" : self.root
            var relative: Substring = group == base || group.hasPrefix(base + "/") ? group.dropFirst(base.count) : ""
            while relative.last == "/" {
                relative.removeLast()
            }
            var directories: [String] = []
            while let slash = relative.lastIndex(of: "/") {
                directories.append(self.point + relative)
                relative = relative[..<slash]
            }
            return directories + [self.point]
        }
    }

    /// `hierarchy:controllers:path`, a line each; version 2 has no controllers there.
    private static func paths(_ text: String) -> [String: String] {
        var paths: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else {
                continue
            }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[String(controller)] = String(fields[2])
            }
        }
        return paths
    }

    /// `id parent device root point options … - type source options`, a line each; version 1 has its controllers among
    /// the last options. The first mount of a hierarchy is taken.
    private static func mounts(_ text: String) -> [String: Mount] {
        var mounts: [String: Mount] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count >= dash + 4 else {
                continue
            }
            let mount = Mount(root: String(fields[3]), point: String(fields[4]))
            let controllers: [Substring] =
                switch fields[dash + 1] {
                case "cgroup2": [Substring(Self.unified)]
                case "cgroup": fields[dash + 3].split(separator: ",")
                default: []
                }
            for controller in controllers where mounts[String(controller)] == nil {
                mounts[String(controller)] = mount
            }
        }
        return mounts
    }
}

extension String {
    fileprivate var firstWord: Substring {
        self.split(whereSeparator: \.isWhitespace).first ?? ""
    }
}
