import NIOCore

/// Finds a connection by its uuid, from any thread.
///
/// The uuid names the event loop, and the loop's ``ConnectionTable`` is asked there: the connection can be used at once,
/// and cannot end meanwhile.
package struct ConnectionRegistry: Sendable {
    let homes: [LoopConnections]

    /// - Parameter body: Called once, on the connection's event loop; with `nil`, on this thread or on a loop, when there
    ///   is no such connection, or not any more.
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
