import NIOCore

/// Makes the sessions of connections that the edge admits.
package protocol SessionMaker {
    /// The session's handler. It begins when its channel is active: at once where there are stages.
    func makeSession(_ entrance: Entrance) -> any ChannelHandler
    /// A connection that has stages is active, and inside the edge from now on.
    ///
    /// - Returns: Whether it may go on; otherwise it is closed, and ``leave(_:_:)`` is not called.
    func enter(_ connection: any EdgeConnection) -> Bool
    /// The connection is inside the edge no more; follows each ``enter(_:)`` that returned `true`, once. The session of
    /// an established one has begun.
    func leave(_ connection: any EdgeConnection, _ outcome: EdgeOutcome)
    /// The channel of a connection that has had no session is closed.
    func endedWithoutSession()
}

/// A connection that is inside the edge. Confined to its event loop.
package protocol EdgeConnection: AnyObject {
    /// The other end of the socket, which need not be the client; `nil` if it is unknown.
    var peer: SocketAddress? { get }
    /// Closes the connection because the server is stopping.
    func close()
}

/// The way in which a connection left the edge.
package enum EdgeOutcome: Hashable, Sendable {
    case established
    case refused(EdgeFailure)
    /// ``EdgeConnection/close()`` was called.
    case closed
}

/// The chain of stages between an accepted socket and its session.
package struct Edge: Sendable {
    /// Makes the stage that encrypts a connection when its session asks for that.
    package typealias Upgrade = @Sendable () -> any EncryptingStage

    /// Makes the stages of one connection.
    private let makeStages: (@Sendable () -> [Stage])?
    private let upgrade: Upgrade?

    /// Lets every connection in at once.
    package static let open = Edge(makeStages: nil, upgrade: nil)

    private init(makeStages: (@Sendable () -> [Stage])?, upgrade: Upgrade?) {
        self.makeStages = makeStages
        self.upgrade = upgrade
    }

    /// - Parameters:
    ///   - stages: Makes the stages of one connection, on its event loop; the first one is next to the socket.
    ///   - upgrade: The same for a session that asks for encryption with ``StartEncryption``.
    package init(upgrade: Upgrade? = nil, stages: @escaping @Sendable () -> [Stage]) {
        self.init(makeStages: stages, upgrade: upgrade)
    }

    /// Prepares an accepted connection, on its event loop and before it is active. Without stages the session's handler
    /// is the only one that is added.
    ///
    /// - Throws: If the channel is already closed.
    package func admit(_ channel: any Channel, to maker: some SessionMaker) throws {
        if let stages = self.makeStages?(), !stages.isEmpty || self.upgrade != nil {
            try channel.pipeline.syncOperations.addHandler(EdgeHandler(stages, self.upgrade, maker))
        } else {
            try channel.pipeline.syncOperations.addHandler(maker.makeSession(Entrance()))
        }
    }
}
