import NIOCore

/// Makes the sessions of connections that the edge lets in.
package protocol SessionMaker {
    /// The session's handler. It begins when its channel is active: at once where there are stages.
    func makeSession(_ entrance: Entrance) -> any ChannelHandler
    /// A stage has refused a connection, or failed later; it is closed.
    func failed(_ failure: EdgeFailure)
    /// A connection has ended that never had a session.
    func endedWithoutSession()
}

/// What lies between an accepted socket and its session: a chain of stages, none so far.
package struct Edge: Sendable {
    /// Makes the stages of one connection.
    private let makeStages: (@Sendable () -> [Stage])?

    /// Lets every connection in at once.
    package static let open = Edge(makeStages: nil)

    private init(makeStages: (@Sendable () -> [Stage])?) {
        self.makeStages = makeStages
    }

    /// - Parameter stages: Makes the stages of one connection, on its event loop; the first one is next to the socket.
    package init(stages: @escaping @Sendable () -> [Stage]) {
        self.init(makeStages: stages)
    }

    /// Prepares an accepted connection, on its event loop and before it is active. Without stages the session's handler
    /// is the only one that is added.
    ///
    /// - Throws: When the channel is closed already.
    package func admit(_ channel: any Channel, to maker: some SessionMaker) throws {
        if let stages = self.makeStages?(), !stages.isEmpty {
            try channel.pipeline.syncOperations.addHandler(EdgeHandler(stages, maker))
        } else {
            try channel.pipeline.syncOperations.addHandler(maker.makeSession(Entrance()))
        }
    }
}
