import NIOCore

/// Makes the sessions of connections that the edge admits.
package protocol SessionMaker {
    /// The session's handler. It begins when its channel is active: at once where there are stages.
    func makeSession(_ entrance: Entrance) -> any ChannelHandler
    /// A stage has refused a connection, or failed later; it is closed.
    func failed(_ failure: EdgeFailure)
    /// A connection ended before it had a session.
    func endedWithoutSession()
}

/// The chain of stages between an accepted socket and its session. So far there are none.
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
    /// - Throws: If the channel is already closed.
    package func admit(_ channel: any Channel, to maker: some SessionMaker) throws {
        if let stages = self.makeStages?(), !stages.isEmpty {
            try channel.pipeline.syncOperations.addHandler(EdgeHandler(stages, maker))
        } else {
            try channel.pipeline.syncOperations.addHandler(maker.makeSession(Entrance()))
        }
    }
}
