import Addresses
import Edge

/// What listens for one of `tcp.servers`, and what its connections get.
package struct ListenerConfiguration: Sendable {
    /// The server's name, as workers see it.
    package var server: String
    package var address: ListenAddress
    /// The permissions of a unix socket's file; `nil` for those of the umask.
    package var socketMode: UInt32?
    package var framing: PacketFraming
    /// The most bytes read at once, at least 1; past it nothing is read while a worker has an event of the connection.
    package var readBufferSize: Int
    /// What lies between an accepted socket and its session.
    package var edge = Edge.open

    package init(
        server: String,
        address: ListenAddress,
        socketMode: UInt32? = nil,
        framing: PacketFraming,
        readBufferSize: Int
    ) {
        self.server = server
        self.address = address
        self.socketMode = socketMode
        self.framing = framing
        self.readBufferSize = readBufferSize
    }
}
