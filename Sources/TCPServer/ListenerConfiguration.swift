import Addresses
import Edge
import Sockets

/// The address of one of `tcp.servers`, and the settings of its connections.
package struct ListenerConfiguration: Sendable {
    /// The server's name, as workers see it.
    package var server: String
    package var address: ListenAddress
    /// The permissions of a unix socket's file; `nil` leaves them to the umask.
    package var socketMode: UInt32?
    package var framing: PacketFraming
    /// The most bytes read at once, at least 1. Reading pauses at this many buffered bytes while a worker has an event
    /// of the connection.
    package var readBufferSize: Int
    package var dispatch = Dispatch.free
    /// The stages between an accepted socket and its session.
    package var edge = Edge.open
    /// Whether a stage of the edge tells who the client is: limits by address wait for that.
    package var namesClients = false
    package var admission = AdmissionLimits()
    package var timeouts = SessionTimeouts()
    /// Packets of one connection; `nil`: any number.
    package var packetRate: Rate?
    package var keepAlive = KeepAlive()
    /// `nil`: none.
    package var accessLog: AccessLogRules?

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
