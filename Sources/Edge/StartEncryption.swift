/// A session's outbound event: what it has written so far goes out in clear, and the client's next bytes are a
/// handshake. Until ``EncryptionStarted`` follows, the session writes nothing and receives nothing.
package struct StartEncryption: Sendable {
    package init() {}
}

/// The inbound event for a session whose connection is encrypted from now on.
package struct EncryptionStarted: Sendable {
    /// All facts about the connection, in place of those that the session began with.
    package let facts: [TransportFact]
}
