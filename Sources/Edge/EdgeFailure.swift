/// The reason why a connection gets or keeps no session.
package struct EdgeFailure: Error, Sendable, Hashable {
    /// The kind of failure, as metrics name it.
    package enum Cause: String, Sendable, Hashable, CaseIterable {
        /// The client left without having sent anything, as a health check does.
        case silent
        /// The client left before it had a session.
        case incomplete
        /// What came is no TLS.
        case notTLS = "not_tls"
        /// The handshake took too long.
        case tlsTimeout = "tls_timeout"
        /// The client speaks no version of TLS that is allowed.
        case tlsVersion = "tls_version"
        /// No cipher, curve or signature is known to both.
        case tlsCipher = "tls_cipher"
        /// The client shows no certificate, or one that is not trusted.
        case clientCertificate = "tls_client_certificate"
        /// No certificate has the name that the client wants.
        case unknownName = "tls_unknown_name"
        /// The client has broken off the handshake; most often it does not trust the certificate.
        case tlsRefused = "tls_refused"
        case tlsError = "tls_error"
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
    /// The last bytes that the client is sent, in clear.
    package var farewell: [UInt8]

    package init(_ cause: Cause, _ reason: String, farewell: [UInt8] = []) {
        self.cause = cause
        self.reason = reason
        self.farewell = farewell
    }
}

extension EdgeFailure.Cause {
    /// Its position among ``allCases``.
    package var index: Int {
        Self.allCases.firstIndex(of: self) ?? 0
    }
}
