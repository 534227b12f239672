/// The kind of an event on a connection.
package enum EventKind: String, Sendable, Hashable, CaseIterable {
    case connected = "CONNECTED"
    case data = "DATA"
    case close = "CLOSE"
}
