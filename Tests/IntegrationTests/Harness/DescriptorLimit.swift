import Foundation

/// Raises this process's soft limit of open descriptors to its hard limit.
///
/// - Returns: `wanted`, or as many connections as the hard limit allows to one process
func raiseDescriptorLimit(for wanted: Int) throws -> Int {
    var limit = rlimit()
    try check(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit), "getrlimit")
    limit.rlim_cur = limit.rlim_max
    try check(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit), "setrlimit")
    return min(wanted, Int(clamping: limit.rlim_cur) - 500)
}
