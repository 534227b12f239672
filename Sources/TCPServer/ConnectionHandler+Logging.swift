import Logging
import NIOCore
import WorkerPool

extension ConnectionHandler {
    func log(_ reason: ConnectionStateMachine.CloseReason) {
        switch reason {
        case .client, .worker, .writeClose, .draining:
            self.environment.logger.debug("connection closed", metadata: self.metadata(["reason": "\(reason)"]))
        case .timeout:
            let name = CloseCause(reason).rawValue
            self.environment.logger.debug("connection closed", metadata: self.metadata(["reason": "\(name)"]))
        case .workerError(let message):
            self.environment.logger.error(
                "worker answered with an error",
                metadata: self.metadata(["error": "\(message)"])
            )
        case .eventFailed(let failure):
            self.environment.logger.error("\(failure)", metadata: self.metadata(["event": "\(self.kind.rawValue)"]))
        case .packetTooLarge(let evidence):
            self.environment.logger.error(
                "a packet is larger than max_packet_size, the connection is closed",
                metadata: self.metadata(evidence.metadata).merging(
                    ["max_packet_size": "\(self.environment.rules.framing.maximumPacketSize)"]
                ) { $1 }
            )
        case .malformedPacket(let evidence):
            self.environment.logger.warning(
                "a client sent what is no packet, the connection is closed",
                metadata: self.metadata(evidence.metadata)
            )
        case .noTLS, .injection:
            self.logStartTLS(reason)
        case .truncatedPacket(let evidence):
            self.environment.logger.warning(
                "a client ended in the middle of a packet, which is dropped",
                metadata: self.metadata(evidence.metadata)
            )
        }
    }

    /// The answer to a CLOSE has no effect, but a failure is worth logging.
    func logClose(_ outcome: RequestOutcome) {
        switch outcome {
        case .answered(.reply), .answered(.missing):
            break
        case .answered(.error(let message)):
            self.environment.logger.error(
                "worker answered CLOSE with an error",
                metadata: self.metadata(["event": "CLOSE", "error": "\(String(buffer: message))"])
            )
        case .failed(let failure):
            if !failure.reachedWorker {
                self.home.noteLoss()
            }
            self.environment.logger.error(
                failure.reachedWorker ? "CLOSE may not have been handled" : "CLOSE was not delivered",
                metadata: self.metadata(["event": "CLOSE", "reason": "\(failure)"])
            )
        }
    }

    var eventMetadata: Logger.Metadata {
        self.metadata(["event": "\(self.kind.rawValue)", "bytes": "\(self.body.readableBytes)"])
    }

    func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        var metadata = more
        metadata["server"] = "\(self.environment.server)"
        metadata["remote_addr"] = "\(self.eventContext.remoteAddress)"
        metadata["uuid"] = "\(self.id)"
        return metadata
    }
}
