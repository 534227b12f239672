import NIOCore

/// One step between an accepted socket and its session: a PROXY header, TLS.
///
/// The kind of a stage determines its abilities. Only an encrypting stage changes bytes, and no answer can bypass it: see
/// ``SessionWriter``.
package enum Stage {
    /// Reads the client's first bytes, and is gone then.
    case reading(any ReadingStage)
    /// Changes the bytes of both directions for as long as the connection lives.
    case encrypting(any EncryptingStage)
}

/// A stage that sees the client's first bytes.
package protocol ReadingStage {
    /// How long the stage may wait, from when it is opened.
    var deadline: StageDeadline { get }

    /// The stages before this one are finished; it has received no bytes yet.
    ///
    /// - Parameter facts: The known facts about the connection, which the stage may complete.
    /// - Throws: Why the connection is refused.
    mutating func opened(_ facts: inout EdgeFacts) throws(EdgeFailure) -> StageProgress

    /// Receives at least one byte.
    ///
    /// - Throws: Why the connection is refused.
    mutating func received(_ bytes: ByteBuffer, _ facts: inout EdgeFacts) throws(EdgeFailure) -> StageOutput
}

extension ReadingStage {
    package mutating func opened(_ facts: inout EdgeFacts) throws(EdgeFailure) -> StageProgress {
        .waiting
    }
}

/// A stage that puts handlers between the socket and all others: every byte goes through them.
package protocol EncryptingStage {
    /// How long the handshake may take.
    var deadline: StageDeadline { get }

    /// Receives the client's next bytes, at least one, until it knows the handlers.
    ///
    /// - Returns: `nil` if it needs more.
    /// - Throws: Why the connection is refused.
    mutating func received(_ bytes: ByteBuffer) throws(EdgeFailure) -> Encryption?

    /// Whether an event of the handlers says that the handshake is done.
    ///
    /// - Parameter facts: The known facts about the connection, which the stage completes then.
    /// - Throws: Why the connection is refused all the same.
    mutating func isEstablished(by event: Any, _ facts: inout EdgeFacts) throws(EdgeFailure) -> Bool

    /// Why a handshake failed.
    ///
    /// - Parameter error: A handler's.
    func failure(_ error: any Error) -> EdgeFailure

    /// Whether an error of a handler, after the handshake, is none for the session.
    func isHarmless(_ error: any Error) -> Bool
}

/// What an encrypting stage has decided.
package struct Encryption {
    /// Take bytes of the socket from now on, and give what they mean; the one next to the socket first.
    package var handlers: [any ChannelHandler]
    /// What they receive first.
    package var received: ByteBuffer

    package init(handlers: [any ChannelHandler], received: ByteBuffer) {
        self.handlers = handlers
        self.received = received
    }
}

/// The time that a stage has, and why a connection that exceeds it is refused.
package struct StageDeadline: Hashable, Sendable {
    package var time: TimeAmount
    package var failure: EdgeFailure

    package init(_ time: TimeAmount, _ failure: EdgeFailure) {
        self.time = time
        self.failure = failure
    }
}

package enum StageProgress: Hashable, Sendable {
    /// The session must wait for this stage.
    case waiting
    /// It needs no more bytes.
    case finished
}

/// The result of a stage for received bytes.
package struct StageOutput: Sendable {
    package var progress: StageProgress
    /// Bytes for the next stage or the session; empty while the stage is waiting.
    package var bytes: ByteBuffer

    package init(_ progress: StageProgress, bytes: ByteBuffer = ByteBuffer()) {
        self.progress = progress
        self.bytes = bytes
    }
}

/// The facts about a connection that its stages have found out.
package struct EdgeFacts: Sendable {
    /// The client's address; `nil` on a unix socket.
    package var remoteAddress: SocketAddress?
    /// Whether the address is a client's, and not that of a balancer that speaks for itself or names nobody.
    package var isClient = true
    /// Entries for the context of the connection's events.
    package var transport: [TransportFact] = []
}
