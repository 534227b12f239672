import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How many descriptors the process may have open.
enum DescriptorLimit {
    /// What is not a connection's: listeners, event loops, logs, and some to spare for what is being accepted.
    private static let reserve = 64
    /// What a worker takes while it is started: its pipes, both ends, and what watches its process.
    private static let perWorker = 10

    /// Raises the soft limit to the hard limit.
    ///
    /// - Returns: The limit in force.
    static func raise(_ logger: Logger) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            logger.warning("cannot read the limit of open descriptors", metadata: ["errno": "\(errno)"])
            return .max
        }
        let old = Int(clamping: limit.rlim_cur)
        guard limit.rlim_cur < limit.rlim_max else {
            return old
        }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            logger.warning("cannot raise the limit of open descriptors", metadata: ["errno": "\(errno)"])
            return old
        }
        return Int(clamping: limit.rlim_max)
    }

    /// How many connections leave enough for this many workers; at least a quarter of the limit.
    static func connections(of limit: Int, workers: Int) -> Int {
        max(limit - self.reserve - self.perWorker * workers, limit / 4)
    }
}
