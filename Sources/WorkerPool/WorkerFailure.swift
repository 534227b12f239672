/// The reason why a worker could not be started or is unusable.
package struct WorkerFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// The process could not be started, or ended or kept silent before its handshake.
        case start
        /// The process ended, or closed its end of the relay.
        case exit
        /// The worker wrote something else than an answer.
        case protocolError = "protocol"
        /// The worker had a request for longer than `exec_ttl`.
        case execTTL = "exec_ttl"
        /// The worker had a request for longer than `reset_timeout`, and was to be replaced.
        case resetTimeout = "reset_timeout"
    }

    package var code: Code
    /// One line for the log.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String {
        self.message
    }

    static let graceIsOver = WorkerFailure(.exit, "the worker was killed: the grace period is over")

    /// The reason for which the pool has killed a worker.
    static func killed(_ code: Code) -> WorkerFailure {
        switch code {
        case .execTTL: WorkerFailure(.execTTL, "exec_ttl is over")
        case .resetTimeout: WorkerFailure(.resetTimeout, "the worker was killed: reset_timeout is over")
        case .start, .exit, .protocolError: .graceIsOver
        }
    }
}
