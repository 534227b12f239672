/// The knowledge about a worker: whether it replies to probes, and whether it needs any.
enum WorkerManner: Sendable {
    /// It answers each event exactly once: it need not be probed. Stays so.
    case announced
    /// It has replied to a probe: it replies to every one. Stays so.
    case replies
    /// Unknown; it is probed after one of its requests. Can become `unknown` or `replies`.
    case untried(requestsLeft: Int)
    /// Unknown. Can become `replies` or `owing`.
    case unknown
    /// It has been given a request although it owed the reply to a probe. Can become `replies` or `ignores`.
    case owing
    /// It has read past a probe without a reply: it is no longer probed. Final.
    case ignores

    /// Whether each of the worker's frames can be matched with its request.
    var keepsOrder: Bool {
        switch self {
        case .announced, .replies: true
        case .untried, .unknown, .owing, .ignores: false
        }
    }

    var isOwing: Bool {
        if case .owing = self { true } else { false }
    }

    /// Whether a probe is useful.
    ///
    /// - Parameter others: Whether workers like this one are known, or may be thought, to reply.
    func replies(ifOthersDo others: Bool) -> Bool {
        switch self {
        case .announced, .ignores: false
        case .replies: true
        case .untried, .unknown, .owing: others
        }
    }

    /// A request is written.
    ///
    /// - Parameters:
    ///   - behindClose: Whether it is a `CLOSE`, and workers do not answer those.
    ///   - mayTry: Whether the worker may be probed to find out whether it replies.
    /// - Returns: Whether a probe is to follow.
    mutating func isProbed(behindClose: Bool, mayTry: () -> Bool) -> Bool {
        switch self {
        case .announced, .ignores:
            return false
        case .replies, .unknown, .owing:
            return behindClose
        case .untried(let left) where left > 1:
            self = .untried(requestsLeft: left - 1)
            return behindClose
        case .untried:
            guard mayTry() else {
                return behindClose
            }
            self = .unknown
            return true
        }
    }
}
