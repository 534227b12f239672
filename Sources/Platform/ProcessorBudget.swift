/// The number of processors that this process can use at once.
///
/// The smallest of: the processors that are online, those that its affinity mask allows (taskset, cpusets), and its
/// control groups' quota of their time, rounded up.
package struct ProcessorBudget: Sendable, Hashable, CustomStringConvertible {
    private enum Bound: Hashable {
        case machine
        case affinity
        case quota(Double)
    }

    /// At least 1.
    package let count: Int
    private let bound: Bound

    /// A budget of this many processors, without a limit.
    package init(count: Int) {
        self.init(online: count, allowed: count, quota: nil)
    }

    init(online: Int, allowed: Int, quota: Double?) {
        let affine = max(1, min(online, allowed))
        // A quota may be any number; one beyond the processors has no effect.
        guard let quota, quota <= Double(affine - 1) else {
            self.count = affine
            self.bound = affine < online ? .affinity : .machine
            return
        }
        self.count = max(1, Int(quota.rounded(.up)))
        self.bound = .quota(quota)
    }

    /// The origin of the number, for people: `CPU of the cgroup's quota, 0.5 rounded up`.
    package var description: String {
        switch self.bound {
        case .machine: "CPU"
        case .affinity: "CPU of the affinity mask"
        case .quota(let quota): "CPU of the cgroup's quota, \((quota * 100).rounded() / 100) rounded up"
        }
    }
}

extension ProcessorBudget {
    /// - Parameters:
    ///   - root: The directory that holds `/proc` and `/sys`; empty for the real ones.
    ///   - fallback: The number of online processors, for systems without it in `/sys`.
    init(root: String, groups: ControlGroups, fallback: Int) {
        let files = SystemFiles(root: root)
        let online = files.text("/sys/devices/system/cpu/online").map(Self.numbers) ?? []
        // The mask of sched_getaffinity(2) as a list.
        let allowed = ProcessFiles(files).status("Cpus_allowed_list").map(Self.numbers) ?? []
        // The mask may include processors that the machine does not have.
        let usable = online.isEmpty ? allowed.count : allowed.intersection(online).count
        let total = online.isEmpty ? fallback : online.count
        self.init(online: total, allowed: usable > 0 ? usable : total, quota: groups.processorQuota)
    }

    /// The most processors that Linux can have, with room to spare.
    private static let mostProcessors = 1 << 16

    /// Reads a list such as `0-3,8,10-11`; malformed parts are left out.
    private static func numbers(_ text: some StringProtocol) -> Set<Int> {
        var numbers: Set<Int> = []
        for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let ends = part.split(separator: "-").map { Int($0) }
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0,
                first <= last, last < Self.mostProcessors
            else {
                continue
            }
            numbers.formUnion(first...last)
        }
        return numbers
    }
}
