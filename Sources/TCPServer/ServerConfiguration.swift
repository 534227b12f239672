import Addresses
import Sockets

/// One of `tcp.servers`.
package struct ServerConfiguration: Sendable, Hashable {
    /// The name that workers see.
    package var name: String
    package var address: ListenAddress
    /// The permissions of a unix socket's file; `nil` for those of the umask.
    package var socketMode: UInt32?
    package var framing: PacketFraming
    /// The most bytes read at once, at least 1; past it nothing is read while a worker has an event of the connection.
    package var readBufferSize: Int

    package init(
        name: String,
        address: ListenAddress,
        socketMode: UInt32? = nil,
        framing: PacketFraming,
        readBufferSize: Int
    ) {
        self.name = name
        self.address = address
        self.socketMode = socketMode
        self.framing = framing
        self.readBufferSize = readBufferSize
    }
}

/// How a stream of bytes becomes packets.
package struct PacketFraming: Sendable, Hashable {
    package enum Mode: Sendable, Hashable {
        /// As RoadRunner does: all that was read, once it ends with the delimiter.
        case merge
        /// One packet for each delimiter.
        case split
    }

    package var mode: Mode
    let search: DelimiterSearch
    /// The most bytes of a packet, its delimiter included.
    package var maximumPacketSize: Int

    package init(mode: Mode = .merge, delimiter: [UInt8], maximumPacketSize: Int) {
        precondition(!delimiter.isEmpty, "a delimiter has at least one byte")
        self.mode = mode
        self.search = DelimiterSearch(delimiter)
        self.maximumPacketSize = maximumPacketSize
    }

    /// At least one byte; stays at the end of a packet.
    package var delimiter: [UInt8] {
        self.search.delimiter
    }
}
