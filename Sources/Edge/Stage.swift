import NIOCore

/// One step between an accepted socket and its session: a PROXY header, TLS, a limit.
///
/// The kind of a stage says what it may do. Only one that transforms changes bytes, and where there is one no answer can
/// go by it: see ``SessionWriter``.
package enum Stage {
    /// Reads what comes, and may keep the beginning to itself; answers go by it.
    case reading(any ReadingStage)
    /// Changes the bytes of both directions for as long as the connection lives.
    case transforming(any TransformingStage)
}

/// A stage that sees what the client sends.
package protocol ReadingStage {
    /// The stages before it are established; nothing has come for it yet.
    ///
    /// - Parameter facts: What is known of the connection, to be completed.
    /// - Throws: Why the connection is refused.
    mutating func opened(_ facts: inout EdgeFacts) throws(EdgeFailure) -> StageProgress

    /// Bytes have come, at least one.
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
    /// What the client is sent instead of bytes of the session.
    ///
    /// - Throws: Why the connection cannot go on.
    mutating func sending(_ bytes: ByteBuffer) throws(EdgeFailure) -> ByteBuffer
}

package enum StageProgress: Hashable, Sendable {
    /// It has no session yet, as far as this stage is concerned.
    case waiting
    /// It goes on; later bytes are given to the stage, too.
    case established
    /// As `established`, and a stage that does not transform wants no more bytes: it is removed.
    case finished
}

/// What a stage makes of bytes that came.
package struct StageOutput: Sendable {
    package var progress: StageProgress
    /// Bytes for the next stage, or for the session; none of a stage that is waiting.
    package var bytes: ByteBuffer
    /// Bytes for the client, a handshake's say.
    package var reply: ByteBuffer

    package init(_ progress: StageProgress, bytes: ByteBuffer = ByteBuffer(), reply: ByteBuffer = ByteBuffer()) {
        self.progress = progress
        self.bytes = bytes
        self.reply = reply
    }
}

/// What the stages of a connection have found out about it.
package struct EdgeFacts: Sendable {
    /// The client's address; `nil` on a unix socket.
    package var remoteAddress: SocketAddress?
    /// For the context of the connection's events.
    package var transport: [TransportFact] = []
}

/// Something that workers are told about a connection besides its address: a key and a text of the context's JSON.
package struct TransportFact: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Why a connection has no session, or none any more, in one line for the log.
package struct EdgeFailure: Error, Sendable, Hashable {
    package var reason: String

    package init(_ reason: String) {
        self.reason = reason
    }
}
