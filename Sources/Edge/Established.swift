import NIOCore

/// A connection that may have a session: what the edge ends in, and only the edge makes.
package struct Established {
    /// The client's address; `nil` when there is none, or the client has reset the connection before it was accepted.
    package let remoteAddress: SocketAddress?
    package let facts: [TransportFact]
    package let writer: SessionWriter
}

/// What a session is made with: the right to an ``Established``. Only the edge can make one.
package struct Entrance {
    /// What the stages have found out; `nil` without stages.
    private final class Staged {
        let established: Established

        init(_ established: Established) {
            self.established = established
        }
    }

    private let staged: Staged?

    /// Without stages.
    init() {
        self.staged = nil
    }

    init(_ established: Established) {
        self.staged = Staged(established)
    }

    /// - Parameter channel: The connection's, active.
    package func established(on channel: any Channel) -> Established {
        // The channel's address and not the context's, which asks the system each time.
        self.staged?.established
            ?? Established(remoteAddress: channel.remoteAddress, facts: [], writer: SessionWriter(isRaw: true))
    }
}
