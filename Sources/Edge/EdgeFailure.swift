/// The reason why a connection gets or keeps no session.
package struct EdgeFailure: Error, Sendable, Hashable {
    /// The kind of failure, as metrics name it.
    package enum Cause: String, Sendable, Hashable, CaseIterable {
        /// The client left without having sent anything, as a health check does.
        case silent
        /// The client left before it had a session.
        case incomplete
        /// The peer is none of those that send a PROXY header.
        case proxyUntrusted = "proxy_untrusted"
        /// The connection does not begin with a PROXY header.
        case proxyMissing = "proxy_missing"
        case proxyMalformed = "proxy_malformed"
        /// No whole PROXY header came in time.
        case proxyTimeout = "proxy_timeout"
    }

    package var cause: Cause
    /// In words and in one line, for the log.
    package var reason: String

    package init(_ cause: Cause, _ reason: String) {
        self.cause = cause
        self.reason = reason
    }
}

extension EdgeFailure.Cause {
    /// Its position among ``allCases``.
    package var index: Int {
        Self.allCases.firstIndex(of: self) ?? 0
    }
}
