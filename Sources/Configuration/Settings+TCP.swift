import Addresses

/// `tcp`: the listeners, and the pool of workers that answers them all.
package struct TCPSettings: Sendable, Equatable {
    /// `tcp.servers`: sorted by name; at least one.
    package var servers: [TCPServerSettings]
    /// `tcp.max_pending` (ours): MB of answers that clients have not taken, of all together; past it large answers stay
    /// with the workers. 0: no bound. Default 256.
    package var maxPending: Int
    /// `tcp.pool`.
    package var pool: PoolSettings

    package init(
        servers: [TCPServerSettings],
        maxPending: Int = Self.defaultMaxPending,
        pool: PoolSettings = PoolSettings()
    ) {
        self.servers = servers
        self.maxPending = maxPending
        self.pool = pool
    }

    /// The default of ``maxPending``, in MB: many large answers, and still little beside what workers take.
    package static let defaultMaxPending = 256
}

/// `tcp.servers.<name>`: one listener and how its bytes become packets (docs/configuration.md).
package struct TCPServerSettings: Sendable, Equatable {
    /// The default of ``delimiter``: CR LF.
    package static let defaultDelimiter: [UInt8] = [0x0D, 0x0A]
    /// The default of ``readBufferSize``, in bytes: 1 MB.
    package static let defaultReadBufferSize = 1 << 20
    /// The default of ``maxPacketSize``, in bytes: 64 MB.
    package static let defaultMaxPacketSize = 64 << 20

    /// The name, in lower case: what a worker sees as `server`.
    package var name: String
    /// `addr`. Required.
    package var address: ListenAddress
    /// `socket_mode` (ours): the permissions of a unix socket's file, 0…0o777; `nil` for those of the umask.
    package var socketMode: UInt32?
    /// `delimiter`: the bytes that end a packet; never empty, default CR LF.
    package var delimiter: [UInt8]
    /// `read_buf_size`: bytes, at least 1, the most read at once; never preallocated a connection. Default 1 MB.
    package var readBufferSize: Int
    /// `framing` (ours). Default ``Framing/merge``.
    package var framing: Framing
    /// `max_packet_size` (ours): bytes, at least 1; a connection that exceeds it is closed. Default 64 MB.
    package var maxPacketSize: Int

    package init(
        name: String,
        address: ListenAddress,
        socketMode: UInt32? = nil,
        delimiter: [UInt8] = Self.defaultDelimiter,
        readBufferSize: Int = Self.defaultReadBufferSize,
        framing: Framing = .merge,
        maxPacketSize: Int = Self.defaultMaxPacketSize
    ) {
        self.name = name
        self.address = address
        self.socketMode = socketMode
        self.delimiter = delimiter
        self.readBufferSize = readBufferSize
        self.framing = framing
        self.maxPacketSize = maxPacketSize
    }
}

/// `tcp.servers.<name>.framing`: what one `DATA` event holds.
package enum Framing: String, Sendable, Equatable, CaseIterable {
    /// Everything read so far once it ends with the delimiter, as RoadRunner does: pipelined packets come together.
    case merge
    /// One packet an event (ours).
    case split
}
