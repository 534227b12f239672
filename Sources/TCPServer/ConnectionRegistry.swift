import NIOCore

/// Finds a connection by its uuid, from any thread.
///
/// The uuid names the event loop, and the lookup in that loop's ``ConnectionTable`` runs there: the connection can be
/// used at once and cannot end in between.
package struct ConnectionRegistry: Sendable {
    let homes: [LoopConnections]

    /// Closes a connection at once: an answer in flight is dropped, and CLOSE follows.
    ///
    /// - Parameter done: Called once, on any thread, when the socket is closed; also if no connection has this uuid.
    package func close(_ id: ConnectionID, _ done: @escaping @Sendable () -> Void) {
        self.find(id) { connection in
            connection?.closeOnDemand()
            done()
        }
    }

    /// - Parameter body: Called once, on the connection's event loop; or with `nil`, on this thread or on a loop, if no
    ///   connection has this uuid, or none has it any more.
    func find(_ id: ConnectionID, _ body: @escaping @Sendable (ConnectionHandler?) -> Void) {
        guard self.homes.indices.contains(id.loopIndex) else {
            return body(nil)
        }
        let home = self.homes[id.loopIndex]
        if home.eventLoop.inEventLoop {
            body(home.connections.find(id))
        } else {
            home.eventLoop.execute { body(home.connections.find(id)) }
        }
    }
}
