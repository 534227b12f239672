import NIOCore

/// A connection that may have a session: the result of the edge, which alone can make it.
package struct Established {
    /// The client's address; `nil` if it has none, or if it reset the connection before it was accepted.
    package let remoteAddress: SocketAddress?
    /// Whether the address is a client's: limits by address count nobody else.
    package let isClient: Bool
    package let facts: [TransportFact]
    package let writer: SessionWriter
    /// Whether the session may ask for encryption, by ``StartEncryption``.
    package let mayEncrypt: Bool
}

/// Entitles a session to an ``Established``. Only the edge can make one.
package struct Entrance {
    /// The result of the stages; `nil` without stages.
    private final class Staged {
        let established: Established

        init(_ established: Established) {
            self.established = established
        }
    }

    private let staged: Staged?

    /// Whether the connection was inside the edge: ``SessionMaker/enter(_:)`` was told of it.
    package var isStaged: Bool {
        self.staged != nil
    }

    /// The entrance of a connection without stages.
    init() {
        self.staged = nil
    }

    init(_ established: Established) {
        self.staged = Staged(established)
    }

    /// - Parameter channel: The connection's channel, which must be active.
    package func established(on channel: any Channel) -> Established {
        // The channel caches its address; the context asks the system each time.
        self.staged?.established
            ?? Established(
                remoteAddress: channel.remoteAddress,
                isClient: true,
                facts: [],
                writer: SessionWriter(isRaw: true),
                mayEncrypt: false
            )
    }
}
