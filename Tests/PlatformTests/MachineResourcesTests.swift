import Testing

@testable import Platform

@Suite struct MachineResourcesTests {
    private let root: FakeRoot

    init() throws {
        self.root = try FakeRoot()
    }

    struct Case {
        var online: String
        var allowed: String
        var quota = "max 100000"
        var count: Int
        var says: String
    }

    @Test(
        "The smallest of what is online, allowed and paid for",
        arguments: [
            Case(online: "0-63", allowed: "0-63", count: 64, says: "CPU"),
            Case(online: "0", allowed: "0", count: 1, says: "CPU"),
            // A machine that could have more than it has.
            Case(online: "0-1", allowed: "0-127", count: 2, says: "CPU"),
            Case(online: "0-63", allowed: "5", count: 1, says: "CPU of the affinity mask"),
            Case(online: "0-7", allowed: "0-1,4,6-7", count: 5, says: "CPU of the affinity mask"),
            Case(
                online: "0-63", allowed: "0-63", quota: "50000 100000", count: 1,
                says: "CPU of the cgroup's quota, 0.5 rounded up"
            ),
            Case(
                online: "0-63", allowed: "0-63", quota: "250000 100000", count: 3,
                says: "CPU of the cgroup's quota, 2.5 rounded up"
            ),
            Case(
                online: "0-63", allowed: "0-3", quota: "33333 100000", count: 1,
                says: "CPU of the cgroup's quota, 0.33 rounded up"
            ),
            Case(online: "0-63", allowed: "0-1", quota: "400000 100000", count: 2, says: "CPU of the affinity mask"),
            Case(online: "0-1", allowed: "0-1", quota: "150000 100000", count: 2, says: "CPU"),
            Case(online: "0-3", allowed: "0-3", quota: "99999999999999999999999 1", count: 4, says: "CPU"),
            Case(online: "0-3", allowed: "0-3", quota: "inf 1", count: 4, says: "CPU"),
            // A limit that cannot be read does not bound.
            Case(online: "0-3", allowed: "x,-,3-1,1-2-3,99999999999", count: 4, says: "CPU"),
        ]
    )
    func processors(each: Case) throws {
        try self.root.write(FakeRoot.unified(group: "/"))
        try self.root.write(FakeRoot.processors(online: each.online, allowed: each.allowed))
        try self.root.write("/sys/fs/cgroup/cpu.max", each.quota)
        let processors = MachineResources(root: self.root.path).processors
        #expect(processors.count == each.count)
        #expect(processors.description == each.says)
    }

    @Test func withoutProcThereIsAtLeastOne() throws {
        #expect(MachineResources(root: self.root.path).processors.count >= 1)
        #expect(MachineResources(root: self.root.path).memoryLimit == nil)
        #expect(ProcessorBudget(count: 0).count == 1)
    }

    @Test func memory() throws {
        try self.root.write(FakeRoot.unified(group: "/"))
        try self.root.write("/sys/fs/cgroup/memory.max", "268435456")
        #expect(MachineResources(root: self.root.path).memoryLimit == 256 << 20)
    }

    @Test("Each kill that the kernel counts explains one process")
    func outOfMemory() throws {
        try self.root.write(FakeRoot.unified(group: "/"))
        try self.root.write("/sys/fs/cgroup/memory.events", "oom_kill 3\n")
        let kills = OutOfMemoryKills(root: self.root.path)
        #expect(!kills.explainOne(), "those were before")
        try self.root.write("/sys/fs/cgroup/memory.events", "oom_kill 5\n")
        #expect(kills.explainOne())
        #expect(kills.explainOne())
        #expect(!kills.explainOne())
        try self.root.write("/sys/fs/cgroup/memory.events", "oom_kill 0\n")
        #expect(!kills.explainOne())
    }
}
