import TestSupport

/// A `/proc` and a `/sys` made up for one test; they go when the test ends.
final class FakeRoot {
    private let directory: TemporaryDirectory

    var path: String { self.directory.path }

    /// - Parameter files: The contents of files, by absolute path.
    init(_ files: [String: String] = [:]) throws {
        self.directory = try TemporaryDirectory()
        try self.write(files)
    }

    deinit {
        self.directory.remove()
    }

    /// - Parameter files: The contents of files, by absolute path.
    func write(_ files: [String: String]) throws {
        for (name, text) in files {
            try self.write(name, text)
        }
    }

    func write(_ name: String, _ text: String) throws {
        try self.directory.write(text, to: name)
    }

    /// The files of version 2 in `/proc`, mounted at the usual place.
    static func unified(group: String, root: String = "/") -> [String: String] {
        [
            "/proc/self/cgroup": "0::\(group)\n",
            "/proc/self/mountinfo": """
            22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
            35 22 0:30 \(root) /sys/fs/cgroup ro,nosuid shared:4 master:9 - cgroup2 cgroup rw,nsdelegate

            """,
        ]
    }

    /// The files of version 1 in `/proc`, as Docker shows it: the container's own group is the root of the mount.
    static func legacy(group: String, root: String) -> [String: String] {
        [
            "/proc/self/cgroup": "12:memory:\(group)\n4:cpu,cpuacct:\(group)\n1:name=systemd:\(group)\n0::/elsewhere\n",
            "/proc/self/mountinfo": """
            40 22 0:35 \(root) /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
            41 22 0:36 \(root) /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory

            """,
        ]
    }

    /// Processors that are there, and those that may be used.
    static func processors(online: String, allowed: String) -> [String: String] {
        [
            "/sys/devices/system/cpu/online": "\(online)\n",
            "/proc/self/status": "Name:\trr\nCpus_allowed:\tff\nCpus_allowed_list:\t\(allowed)\nMems_allowed:\t1\n",
        ]
    }
}
