import Glibc

/// How many descriptors the process may have open.
package enum DescriptorLimit {
    /// The reason why the limit was not raised.
    package enum Fault: Hashable {
        /// With the value of `errno`.
        case isUnreadable(CInt)
        /// With the value of `errno`.
        case cannotBeRaised(CInt)
    }

    /// Raises the soft limit to the hard limit.
    ///
    /// - Returns: The limit in force.
    package static func raise() -> (limit: Int, fault: Fault?) {
        guard var limit = self.limit else {
            return (.max, .isUnreadable(errno))
        }
        let old = Int(clamping: limit.rlim_cur)
        guard limit.rlim_cur < limit.rlim_max else {
            return (old, nil)
        }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(self.resource, &limit) == 0 else {
            return (old, .cannotBeRaised(errno))
        }
        return (Int(clamping: limit.rlim_max), nil)
    }

    /// The soft limit; `nil` when there is none.
    package static var current: UInt64? {
        self.limit.flatMap { $0.rlim_cur == rlim_t.max ? nil : UInt64($0.rlim_cur) }
    }

    /// Ensures that the program itself has enough descriptors, raising a soft limit that is too low. Without them, the
    /// threads that run its tasks cannot be started, and the process ends.
    ///
    /// - Returns: Whether there are enough.
    package static func isEnoughToRun() -> Bool {
        guard var limit = self.limit, limit.rlim_cur < self.leastToRun else {
            return true
        }
        limit.rlim_cur = limit.rlim_max
        return limit.rlim_max >= self.leastToRun && setrlimit(self.resource, &limit) == 0
    }

    /// The descriptors that the program needs to report why it does not start.
    private static let leastToRun: rlim_t = 16
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static var limit: rlimit? {
        var limit = rlimit()
        return getrlimit(self.resource, &limit) == 0 ? limit : nil
    }
}
