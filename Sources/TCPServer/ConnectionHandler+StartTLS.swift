import Edge
import Logging
import NIOCore
import WorkerPool

/// An answer `STARTTLS`: the edge encrypts the connection, and its session goes on.
extension ConnectionHandler {
    func startTLS() {
        self.context?.triggerUserOutboundEvent(StartEncryption(), promise: nil)
    }

    func secured(_ event: EncryptionStarted) {
        self.eventContext.replace(facts: event.facts)
        self.machine.secured()
        self.run()
    }

    func logStartTLS(_ reason: ConnectionStateMachine.CloseReason) {
        switch reason {
        case .injection(let bytes):
            self.environment.logger.warning(
                "a client sent more in clear behind a command that starts TLS, the connection is closed",
                metadata: self.metadata(["reason": "\(CloseCause.startTLSInjection.rawValue)", "bytes": "\(bytes)"])
            )
        default:
            self.environment.logger.error(
                "a worker answered STARTTLS, which needs `tls.starttls: true` and a connection that is in clear",
                metadata: self.metadata(["event": "\(self.kind.rawValue)"])
            )
        }
    }
}
