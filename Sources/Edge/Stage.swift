import NIOCore

/// One step between an accepted socket and its session: a PROXY header, TLS, a limit.
///
/// The kind of a stage determines its abilities. Only a transforming stage changes bytes, and no answer can bypass it:
/// see ``SessionWriter``.
package enum Stage {
    /// Reads the client's bytes and may consume the first ones; answers bypass it.
    case reading(any ReadingStage)
    /// Changes the bytes of both directions for as long as the connection lives.
    case transforming(any TransformingStage)
}

/// A stage that sees the client's bytes.
package protocol ReadingStage {
    /// How long the stage may wait, from when it is opened.
    var deadline: StageDeadline { get }

    /// The stages before this one are established; it has received no bytes yet.
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

/// A stage that every byte goes through.
package protocol TransformingStage: ReadingStage {
    /// Transforms the session's bytes into those that the client is sent.
    ///
    /// - Throws: Why the connection cannot go on.
    mutating func sending(_ bytes: ByteBuffer) throws(EdgeFailure) -> ByteBuffer
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
    /// The session may begin; later bytes pass through the stage, too.
    case established
    /// As `established`, and a stage that does not transform is removed: it needs no more bytes.
    case finished
}

/// The result of a stage for received bytes.
package struct StageOutput: Sendable {
    package var progress: StageProgress
    /// Bytes for the next stage or the session; empty while the stage is waiting.
    package var bytes: ByteBuffer
    /// Bytes for the client, such as a handshake's.
    package var reply: ByteBuffer

    package init(_ progress: StageProgress, bytes: ByteBuffer = ByteBuffer(), reply: ByteBuffer = ByteBuffer()) {
        self.progress = progress
        self.bytes = bytes
        self.reply = reply
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
