import Addresses
import Configuration

/// `tcp`: the listeners, and the pool of workers that answers them all.
struct TCPSettings: Sendable, Equatable {
    /// The default of listeners that set none, in bytes.
    var readBufferSize = 1 << 20
    var maxPacketSize = 64 << 20
    /// `tcp.servers`, by name.
    private var byName: [String: ListenerSettings] = [:]
    /// The limit, in MB, of all answers together that clients have not taken. Beyond it, large answers stay with the
    /// workers. 0: no limit. The default has room for many large answers but is small compared to the workers' memory.
    var maxPending = 256
    /// The defaults of listeners that set none.
    var limits = LimitSettings()
    var pool = PoolSettings()

    /// The most listeners; every pair of them is compared.
    private static let mostListeners = 1000

    init(servers: [ListenerSettings] = [], pool: PoolSettings = PoolSettings()) {
        for server in servers { byName[server.name] = server }
        self.pool = pool
    }

    /// Sorted by name; a file has at least one.
    var servers: [ListenerSettings] {
        byName.values.sorted { $0.name < $1.name }
    }

    static let section = Section(Self(), including: LimitSettings.section.keys(within: \.limits)) {
        Key(
            "read_buf_size", \.readBufferSize, .size(bytesOver: 100, zeroIsDefault: true),
            "The most read at once, 256 KiB at most: only a number over 100, which is taken for bytes with a warning, "
                + "makes a difference."
        )
        Key(
            "max_packet_size", \.maxPacketSize, .size(zeroIsDefault: false), marks: .ours,
            "A connection that sends more without a delimiter is closed."
        )
        Key(
            "servers", \.byName, named: ListenerSettings.section, most: mostListeners,
            prototype: { name, tcp in
                ListenerSettings(
                    name: name, readBufferSize: tcp.readBufferSize, maxPacketSize: tcp.maxPacketSize,
                    limits: tcp.limits)
            }
        )
        Key(
            "max_pending", \.maxPending, .integer(in: 0...1 << 20, unit: "MB"), marks: .ours,
            "Answers that clients have not taken, of all connections together; see below. 0: no bound."
        )
        Key("pool", \.pool, section: PoolSettings.section)
    }
}

/// `tcp.servers.<name>`: one listener and how its bytes become packets.
struct ListenerSettings: Sendable, Equatable {
    /// In lower case. Workers see it as `server`.
    var name = ""
    var address = ListenAddress.tcp(host: "", port: 0)
    /// The permissions of a unix socket's file, 0…0o777; `nil` leaves them to the umask.
    var socketMode: SocketMode?
    /// The bytes that end a packet; never empty.
    var delimiter: [UInt8] = [0x0D, 0x0A]
    /// In bytes, at least 1.
    var readBufferSize = 1 << 20
    var framing = Framing.merge
    /// Instead of `delimiter`; empty if that holds.
    var delimiters: [[UInt8]] = []
    /// What a packet begins with.
    var start: [UInt8]?
    /// Bytes behind the delimiter that belong to the packet.
    var trailer: Int?
    /// With `framing: length`.
    var length: LengthSettings?
    /// In bytes, with `framing: fixed`.
    var size: Int?
    /// With `framing: rules`.
    var rules: [StartRuleSettings] = []
    /// In bytes, at least 1; a connection that exceeds it is closed.
    var maxPacketSize = 64 << 20
    var dispatch = DispatchKind.free
    /// Of a connection that prefers a worker, while that is busy.
    var stickyWait = Duration.zero
    /// `nil`: connections are in clear.
    var tls: ListenerTLSSettings?
    var limits = LimitSettings()
    /// `nil`: no header is expected, and none is understood.
    var proxyProtocol: ProxyProtocolSettings?

    static let section = Section(
        Self(),
        including: LimitSettings.section.keys(
            within: \.limits, of: "tcp.servers.<name>", inheritedFrom: "tcp", notes: "For this server.")
    ) {
        Key(
            "addr", \.address, .address,
            "`host:port`, `tcp://host:port`, `:port` (all interfaces), `[::1]:port`, `unix:///path`. Two addresses "
                + "that cannot be bound at once, also of `server.relay`, `rpc`, `status` and `metrics`, are an error "
                + "that names both keys. A name means its first IPv4 address, or else its first IPv6 address.",
            required: MissingKey(
                { "empty address for the server: \($0.dropFirst("tcp.servers.".count))" },
                fix: "use \(ListenAddress.forms)")
        )
        Key(
            "socket_mode", \.socketMode, .socketMode, marks: .ours,
            "Permissions of a unix socket's file, `\"0660\"`. There before anybody can connect.",
            default: "by the umask"
        )
        Key(
            "delimiter", \.delimiter, .delimiter,
            "What ends a packet: any bytes; empty means the default. Escapes count in double quotes only: `'\\r\\n'` "
                + "is four characters, with a warning. Bytes that are not UTF-8: `!!binary` and base64, or a variable."
        )
        Key(
            "read_buf_size", \.readBufferSize, .size(bytesOver: 100, zeroIsDefault: true),
            "For this server.", default: "`tcp.read_buf_size`"
        )
        Key(
            "framing", \.framing, .choice(), marks: .ours,
            "What one `DATA` event holds: see below, and [framing](framing.md)."
        )
        Key(
            "delimiters", \.delimitersIfAny, .delimiters, marks: .ours,
            "Instead of `delimiter`: what ends a packet is any of these. A text is split on commas."
        )
        Key(
            "start", \.start, .bytes(1...64), marks: .ours,
            "With `split`: what a packet begins with. What comes before it is skipped, and counted."
        )
        Key(
            "trailer", \.trailer, .integer(in: 1...1024, unit: "bytes"), marks: .ours,
            "With `split`: bytes behind the delimiter that belong to the packet, such as a checksum."
        )
        Key("length", \.length, section: LengthSettings.section)
        Key(
            "size", \.size, .packetSize, marks: .ours,
            "With `fixed`: of each packet."
        )
        Key(
            "rules", \.rules, list: StartRuleSettings.section, most: StartRuleSettings.most, marks: .ours,
            range: "1…\(StartRuleSettings.most) sections",
            "With `rules`: the first whose `starts` a packet begins with cuts it. Its other keys are `length`, `size`, or "
                + "`delimiter`, `delimiters` and `trailer`. Variables and `-o` count them from 0: `rules.0.starts`."
        )
        Key(
            "max_packet_size", \.maxPacketSize, .size(zeroIsDefault: false), marks: .ours, "For this server.",
            default: "`tcp.max_packet_size`"
        )
        Key(
            "dispatch", \.dispatch, .choice(), marks: .ours,
            "`free`: an event goes to any free worker. `connection`, `ip`: preferably to the same worker each time, by "
                + "connection or by the client's address; see [sticky workers](#sticky-workers)."
        )
        Key(
            "sticky_wait", \.stickyWait, .duration(.zeroAllowed), marks: .ours,
            "How long an event waits for its worker while that is busy and others may be free; at most "
                + "half of `tcp.pool.allocate_timeout`. 0: not at all."
        )
        Key("tls", \.tls, section: ListenerTLSSettings.section)
        Key("proxy_protocol", \.proxyProtocol, section: ProxyProtocolSettings.section)
    } check: { reader, listener throws(ConfigurationError) in
        try listener.checkFraming(&reader)
        listener.checkLimits(reader)
        try listener.checkProxyProtocol(reader)
        listener.checkDispatch(reader)
        guard listener.socketMode != nil, case .tcp = listener.address, let place = reader.source["socket_mode"] else {
            return
        }
        let message = "only a unix socket has a mode: the key does nothing"
        reader.diagnostics.warn(place.value.place.warning(message, key: reader.path("socket_mode")))
    }
}

/// Permissions of a file, 0…0o777.
typealias SocketMode = UInt32
