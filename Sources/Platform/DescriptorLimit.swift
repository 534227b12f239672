import Glibc

/// How many descriptors the process may have open.
package enum DescriptorLimit {
    /// Why the limit is not as high as it could be.
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
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else {
            return (.max, .isUnreadable(errno))
        }
        let old = Int(clamping: limit.rlim_cur)
        guard limit.rlim_cur < limit.rlim_max else {
            return (old, nil)
        }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(resource, &limit) == 0 else {
            return (old, .cannotBeRaised(errno))
        }
        return (Int(clamping: limit.rlim_max), nil)
    }

    /// The soft limit; `nil` when there is none.
    package static var current: UInt64? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max else {
            return nil
        }
        return UInt64(limit.rlim_cur)
    }

    /// Makes sure that the program itself has enough, and raises a soft limit that is too low: what runs its tasks cannot
    /// be made then, and ends the process.
    ///
    /// - Returns: Whether there are enough.
    package static func isEnoughToRun() -> Bool {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < 16 else {
            return true
        }
        limit.rlim_cur = limit.rlim_max
        return limit.rlim_max >= 16 && setrlimit(resource, &limit) == 0
    }
}
