import Addresses
import NIOCore

/// A command on its way. Confined to the client's event loop.
struct Call {
    let command: RedisCommand
    let size: Int
    let arrived: NIODeadline
    /// The server that alone may run it.
    let pinned: ListenAddress?
    let complete: (Result<RESPValue, RedisError>) -> Void
    /// How many times it was tried again.
    var retries = 0
    /// How many times a server has named another one.
    var redirections = 0
    /// Whether the next server is told that the key is on its way to it.
    var isAsking = false

    init(
        _ command: RedisCommand,
        arrived: NIODeadline,
        pinned: ListenAddress? = nil,
        complete: @escaping (Result<RESPValue, RedisError>) -> Void
    ) {
        self.command = command
        self.size = command.size
        self.arrived = arrived
        self.pinned = pinned
        self.complete = complete
    }
}
