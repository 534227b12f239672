import Testing

@testable import Platform

@Suite struct ControlGroupsTests {
    private let root: FakeRoot

    init() throws {
        self.root = try FakeRoot()
    }

    private func groups(_ files: [String: String], _ more: [String: String] = [:]) throws -> ControlGroups {
        try self.root.write(files)
        try self.root.write(more)
        return ControlGroups(root: self.root.path)
    }

    @Test func withoutControlGroupsThereIsNoLimit() throws {
        let groups = try self.groups([:])
        #expect(groups.processorQuota == nil)
        #expect(groups.memoryLimit == nil)
        #expect(groups.outOfMemoryKills == nil)
    }

    @Test func versionTwoInAContainerOfItsOwnNamespace() throws {
        let groups = try self.groups(
            FakeRoot.unified(group: "/"),
            [
                "/sys/fs/cgroup/cpu.max": "50000 100000\n",
                "/sys/fs/cgroup/memory.max": "536870912\n",
                "/sys/fs/cgroup/memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
            ]
        )
        #expect(groups.processorQuota == 0.5)
        #expect(groups.memoryLimit == 512 << 20)
        #expect(groups.outOfMemoryKills == 2)
    }

    @Test func theSmallestLimitOfTheGroupAndOfThoseAboveCounts() throws {
        let groups = try self.groups(
            FakeRoot.unified(group: "/pods/pod1/main"),
            [
                "/sys/fs/cgroup/pods/pod1/main/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/pods/pod1/cpu.max": "150000 100000\n",
                "/sys/fs/cgroup/pods/cpu.max": "800000 100000\n",
                "/sys/fs/cgroup/pods/pod1/main/memory.max": "max\n",
                "/sys/fs/cgroup/pods/pod1/memory.max": "2147483648\n",
                "/sys/fs/cgroup/pods/memory.max": "1073741824\n",
                "/sys/fs/cgroup/pods/pod2/memory.max": "1048576\n",
                "/sys/fs/cgroup/pods/pod1/main/memory.events": "oom_kill 0\n",
                "/sys/fs/cgroup/pods/memory.events": "oom_kill 7\n",
            ]
        )
        #expect(groups.processorQuota == 1.5)
        #expect(groups.memoryLimit == 1 << 30)
        #expect(groups.outOfMemoryKills == 0, "of its own group")
    }

    @Test(arguments: ["/docker/abc", "/docker/abc/inner"])
    func versionOneMountedAtTheContainersOwnGroup(group: String) throws {
        let memory = group.hasSuffix("inner") ? "/sys/fs/cgroup/memory/inner" : "/sys/fs/cgroup/memory"
        let groups = try self.groups(
            FakeRoot.legacy(group: group, root: "/docker/abc"),
            [
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
                "\(memory)/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
            ]
        )
        #expect(groups.processorQuota == 2.5)
        #expect(groups.memoryLimit == 256 << 20)
        #expect(groups.outOfMemoryKills == 5)
    }

    @Test func noLimitInTheWordsOfVersionOne() throws {
        let groups = try self.groups(
            FakeRoot.legacy(group: "/", root: "/"),
            [
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            ]
        )
        #expect(groups.processorQuota == nil)
        #expect(groups.memoryLimit == nil)
    }

    @Test(arguments: [("/pods/a", "/pods/ab"), ("/../../other", "/pods/a"), ("/", "/pods/a"), ("/pods/a/", "/")])
    func aGroupOutsideOfTheMountHasTheMountsLimits(group: String, root: String) throws {
        let groups = try self.groups(
            FakeRoot.unified(group: group, root: root),
            ["/sys/fs/cgroup/cpu.max": "100000 100000\n"]
        )
        #expect(groups.processorQuota == 1)
    }

    @Test(
        arguments: [
            "", "max", "max max", "0 100000", "-1 100000", "100000 0", "100000", "1 2 3", "x y", "nan nan", "\u{0}",
        ]
    )
    func whatIsNoQuotaIsNoLimit(text: String) throws {
        #expect(try self.groups(FakeRoot.unified(group: "/"), ["/sys/fs/cgroup/cpu.max": text]).processorQuota == nil)
    }

    @Test(arguments: ["", "max", "-1", "0", "1.5", "99999999999999999999999"])
    func whatIsNoNumberOfBytesIsNoLimit(text: String) throws {
        #expect(try self.groups(FakeRoot.unified(group: "/"), ["/sys/fs/cgroup/memory.max": text]).memoryLimit == nil)
    }

    @Test func linesThatSayNothingAreLeftOut() throws {
        let files = [
            "/proc/self/cgroup": "\n::\n0:\nnonsense\n0::/\n",
            "/proc/self/mountinfo":
                "\n- - -\n1 2 3 - cgroup2\n1 2 3 / /x rw - cgroup2\n35 22 0:30 / /c rw - cgroup2 c rw\n",
            "/c/cpu.max": "1 2",
        ]
        #expect(try self.groups(files).processorQuota == 0.5)
    }
}
