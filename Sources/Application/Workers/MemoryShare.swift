/// The default of `max_worker_memory` where a control group bounds the memory of all, as in a container.
///
/// Without it the first worker that leaks ends in the kernel's killing: with version 2 of control groups, as Kubernetes
/// sets them up, the whole container is killed then. The limit is soft: a worker finishes its event, and has a successor
/// before it stops; so one worker more is counted than there may be. It must not replace workers that are well, again
/// and again, where many share little: resident memory counts what workers share once for each. So there is a least
/// value, and no default where not even that can be had: PHP's own `memory_limit` of 128 MB by default bounds its heap
/// only, and the program, its libraries and what they allocate come on top.
struct MemoryShare: Equatable, CustomStringConvertible {
    /// Kept for the server itself, in MB.
    private static let reserve = 64
    /// A worker may always hold so many MB.
    private static let least = 192
    /// The smallest limit, in MB, that is shared out.
    private static let smallestLimit = 256

    private let limit: Int
    private let workers: Int

    /// - Parameters:
    ///   - limit: In bytes.
    ///   - workers: How many there may be.
    init?(of limit: Int, workers: Int) {
        guard limit >> 20 >= Self.smallestLimit else { return nil }
        self.limit = limit >> 20
        self.workers = workers + 1
    }

    var megabytes: Int { max(Self.least, (limit - Self.reserve) / workers) }

    /// How it comes about, for people.
    var description: String {
        let share = "(\(limit) MB of the cgroup's memory limit - \(Self.reserve)) / \(workers)"
        return megabytes > Self.least ? share : "\(Self.least), \(share) would be less"
    }
}
