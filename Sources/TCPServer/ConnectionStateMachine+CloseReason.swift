import WorkerPool

extension ConnectionStateMachine {
    /// Why a connection was closed.
    enum CloseReason: Hashable {
        /// The client ended its side.
        case client
        /// A worker answered `CLOSE`, or something unknown.
        case worker
        /// A worker answered `WRITECLOSE`.
        case writeClose
        /// A worker answered with an error frame.
        case workerError(String)
        case eventFailed(RequestFailure)
        case packetTooLarge(PacketEvidence)
        /// The client sent what cannot be the beginning of a packet.
        case malformedPacket(PacketEvidence)
        /// The client ended its side in the middle of a packet that is worthless then.
        case truncatedPacket(PacketEvidence)
        /// A worker answered `STARTTLS` where that cannot be.
        case noTLS
        /// So many bytes came in clear behind the command that was answered with `STARTTLS`.
        case injection(Int)
        case draining
        /// The client took too long.
        case timeout(SessionTimeout)
    }
}
