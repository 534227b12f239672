/// The default of `max_worker_memory` if a control group limits the memory of all processes, as in a container.
///
/// Without it, the first leaking worker would make the kernel kill processes: under version 2 of control groups, as
/// Kubernetes sets them up, the whole container. The limit is soft: a worker finishes its event and gets a successor
/// before it stops, so the share counts one worker more than configured.
///
/// The default must not keep replacing healthy workers when many share little memory: resident memory counts shared
/// pages once per worker. So the share has a minimum, and no default is set if the minimum does not fit. PHP's own
/// `memory_limit`, 128 MB by default, limits only its heap; the program, its libraries and their allocations come on
/// top.
struct MemoryShare: Equatable, CustomStringConvertible {
    /// Memory reserved for the server itself, in MB.
    private static let reserve = 64
    /// The minimum share of a worker, in MB.
    private static let least = 192
    /// The smallest group limit, in MB, for which a default is computed.
    private static let smallestLimit = 256

    private let limit: Int
    private let workers: Int

    /// - Parameters:
    ///   - limit: In bytes.
    ///   - workers: The largest number of workers.
    init?(of limit: Int, workers: Int) {
        guard limit >> 20 >= Self.smallestLimit else { return nil }
        self.limit = limit >> 20
        self.workers = workers + 1
    }

    var megabytes: Int { max(Self.least, (limit - Self.reserve) / workers) }

    /// The derivation of the share, for people.
    var description: String {
        let share = "(\(limit) MB of the cgroup's memory limit - \(Self.reserve)) / \(workers)"
        return megabytes > Self.least ? share : "\(Self.least), \(share) would be less"
    }
}
