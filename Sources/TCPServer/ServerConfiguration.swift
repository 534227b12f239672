public import Sockets

/// One of `tcp.servers`.
public struct ServerConfiguration: Sendable, Hashable {
    /// The name that workers see.
    public var name: String
    public var address: SocketEndpoint
    /// The permissions of a unix socket's file; `nil` for those of the umask.
    public var socketMode: UInt32?
    public var framing: PacketFraming
    /// The most bytes read at once, at least 1; past it nothing is read while a worker has an event of the connection.
    public var readBufferSize: Int

    public init(
        name: String,
        address: SocketEndpoint,
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
public struct PacketFraming: Sendable, Hashable {
    public enum Mode: Sendable, Hashable {
        /// As RoadRunner does: all that was read, once it ends with the delimiter.
        case merge
        /// One packet for each delimiter.
        case split
    }

    public var mode: Mode
    let search: DelimiterSearch
    /// The most bytes of a packet, its delimiter included.
    public var maximumPacketSize: Int

    public init(mode: Mode = .merge, delimiter: [UInt8], maximumPacketSize: Int) {
        precondition(!delimiter.isEmpty, "a delimiter has at least one byte")
        self.mode = mode
        self.search = DelimiterSearch(delimiter)
        self.maximumPacketSize = maximumPacketSize
    }

    /// At least one byte; stays at the end of a packet.
    public var delimiter: [UInt8] {
        self.search.delimiter
    }
}
