/// Why a worker could not be started or cannot be used any more.
public struct WorkerFailure: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The process could not be started, or ended or kept silent before its handshake.
        case start
        /// The process ended, or closed its end of the relay.
        case exit
        /// The worker wrote something that is no answer.
        case protocolError = "protocol"
        /// The worker had a request for longer than `exec_ttl`.
        case execTTL = "exec_ttl"
        /// The worker had a request for longer than `reset_timeout`, and was to be replaced.
        case resetTimeout = "reset_timeout"
    }

    public var code: Code
    /// One line for the log.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String {
        self.message
    }
}
