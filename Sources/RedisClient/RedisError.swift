/// The reason why a command has no result.
package struct RedisError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// No connection, or it broke, or an answer took too long.
        case network
        /// The server's own words.
        case reply
        /// More is waiting than the client holds.
        case overload
        case closed
    }

    package var kind: Kind
    /// One line; network errors read as in RoadRunner's logs: `dial tcp 127.0.0.1:6379: connect: connection refused`.
    package var text: String

    package init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    package var description: String { self.text }

    package static let closed = RedisError(.closed, "redis: client is closed")
    package static let overload = RedisError(.overload, "redis: too many commands wait for an answer")
}
