import Edge
import NIOCore
import Sockets
import TCPServer
import TLS

extension ListenerConfiguration {
    /// - Parameter tls: The certificates, if the server has `tls`.
    init(_ settings: ListenerSettings, _ tls: TLSServer?) {
        self.init(
            server: settings.name,
            address: settings.address,
            socketMode: settings.socketMode,
            framing: PacketFraming(PacketFraming.Rule(settings), maximumPacketSize: settings.maxPacketSize),
            readBufferSize: settings.readBufferSize
        )
        self.edge = Edge(settings, tls)
        self.namesClients = settings.proxyProtocol != nil
        self.admission = AdmissionLimits(settings.limits)
        self.timeouts = SessionTimeouts(settings.limits)
        self.packetRate = Rate(settings.limits.packetRate, burst: settings.limits.packetBurst)
        self.keepAlive = KeepAlive(settings.limits.keepAlive)
        self.accessLog = AccessLogRules(settings.limits.accessLog)
        let patience = TimeAmount(clamping: settings.stickyWait)
        switch settings.dispatch {
        case .free: self.dispatch = .free
        case .connection: self.dispatch = .connection(patience: patience)
        case .ip: self.dispatch = .ip(patience: patience)
        }
    }
}

extension SessionTimeouts {
    fileprivate init(_ settings: LimitSettings) {
        func time(_ duration: Duration) -> TimeAmount? {
            duration > .zero ? TimeAmount(clamping: duration) : nil
        }
        self.init()
        self.idle = time(settings.idleTimeout)
        self.firstPacket = time(settings.firstPacketTimeout)
        self.packet = time(settings.packetTimeout)
        self.write = time(settings.writeTimeout)
        self.lifetime = time(settings.maxLifetime)
        self.ping = time(settings.ping.interval).map { interval in
            let misses = settings.ping.misses
            return Ping(interval: interval, data: settings.ping.data ?? [], misses: misses > 0 ? misses : nil)
        }
    }
}

extension KeepAlive {
    fileprivate init(_ settings: KeepAliveSettings) {
        func seconds(_ duration: Duration) -> CInt {
            CInt(clamping: Int64((duration / .seconds(1)).rounded(.up)))
        }
        self.init(idle: seconds(settings.idle), interval: seconds(settings.interval), count: CInt(settings.count))
    }
}

extension AdmissionLimits {
    fileprivate init(_ settings: LimitSettings) {
        self.init()
        self.allow = settings.allow
        self.deny = settings.deny
        self.connections = settings.maxConnections > 0 ? settings.maxConnections : nil
        self.closesBeyond = settings.onLimit == .close
        self.connectionsPerClient = settings.maxConnectionsPerIP > 0 ? settings.maxConnectionsPerIP : nil
        self.accepts = Rate(settings.acceptRate, burst: settings.acceptBurst)
        self.acceptsPerClient = Rate(settings.acceptRatePerIP, burst: settings.acceptBurstPerIP)
        self.isDryRun = settings.isDryRun
    }
}

extension Rate {
    /// - Parameter burst: 0: as many as the rate has in its period.
    fileprivate init?(_ setting: RateSetting, burst: Int) {
        guard setting.count > 0 else {
            return nil
        }
        let nanoseconds = UInt64(setting.period.seconds) * 1_000_000_000
        self.init(setting.count, in: nanoseconds, burst: burst > 0 ? burst : setting.count)
    }
}

extension PacketFraming.Rule {
    /// The settings have what their framing needs: that was checked when they were read.
    fileprivate init(_ settings: ListenerSettings) {
        switch settings.framing {
        case .merge:
            self =
                settings.delimiters.isEmpty
                ? .merge(Delimiter(settings.delimiter)) : .mergeAny(DelimiterSet(settings.delimiters))
        case .split:
            if settings.delimiters.isEmpty, settings.start == nil, settings.trailer == nil {
                self = .split(Delimiter(settings.delimiter))
            } else {
                let end = PacketMarks.End(settings.delimiter, settings.delimiters)
                self = .marked(PacketMarks(end, start: settings.start, trailer: settings.trailer ?? 0))
            }
        case .length: self = settings.length.map { .length(LengthField($0)) } ?? .raw
        case .fixed: self = settings.size.map { .fixed($0) } ?? .raw
        case .raw: self = .raw
        case .rules: self = .starts(StartRules(settings.rules.map { StartRules.Entry($0) }))
        }
    }
}

extension PacketMarks.End {
    fileprivate init(_ delimiter: [UInt8], _ delimiters: [[UInt8]]) {
        self = delimiters.isEmpty ? .one(Delimiter(delimiter)) : .any(DelimiterSet(delimiters))
    }
}

extension StartRules.Entry {
    fileprivate init(_ settings: StartRuleSettings) {
        let rule: PacketFraming.Rule
        if let length = settings.length {
            rule = .length(LengthField(length))
        } else if let size = settings.size {
            rule = .fixed(size)
        } else {
            let end = PacketMarks.End(settings.delimiter ?? [], settings.delimiters ?? [])
            rule = .marked(
                PacketMarks(end, trailer: settings.trailer ?? 0, searchFrom: settings.starts.count))
        }
        self.init(starts: settings.starts, rule)
    }
}

extension LengthField {
    fileprivate init(_ settings: LengthSettings) {
        let size = UInt8(settings.size ?? 0)
        let form: Form
        switch (settings.type, settings.until?.first) {
        case (.binary, _): form = .binary(size: size, isLittleEndian: settings.order == .little)
        case (.decimal, nil): form = .digits(size: size, base: 10)
        case (.decimal, let until?): form = .digitsUntil(until, base: 10)
        case (.hex, nil): form = .digits(size: size, base: 16)
        case (.hex, let until?): form = .digitsUntil(until, base: 16)
        case (.varint, _): form = .varint
        }
        self.init(form, offset: settings.offset, add: settings.add)
    }
}
