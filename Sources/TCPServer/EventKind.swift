/// What happened on a connection.
package enum EventKind: String, Sendable, Hashable, CaseIterable {
    case connected = "CONNECTED"
    case data = "DATA"
    case close = "CLOSE"
}
