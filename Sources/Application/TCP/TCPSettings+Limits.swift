import Addresses
import Configuration

/// Who may connect to a server, how many, and for how long: keys of `tcp.servers.<name>`, and of `tcp` for all servers.
struct LimitSettings: Sendable, Equatable {
    /// What becomes of connections beyond `max_connections`.
    enum OnLimit: String, Sendable, Equatable, CaseIterable {
        /// They stay in the backlog.
        case wait
        case close
    }

    var allow: [AddressBlock] = []
    var deny: [AddressBlock] = []
    /// 0: no limit, as below.
    var maxConnections = 0
    var onLimit = OnLimit.wait
    var maxConnectionsPerIP = 0
    var acceptRate = RateSetting()
    /// 0: as many as the rate's own number, as below.
    var acceptBurst = 0
    var acceptRatePerIP = RateSetting()
    var acceptBurstPerIP = 0
    var isDryRun = false
    /// Zero: no limit, as below.
    var idleTimeout = Duration.zero
    var firstPacketTimeout = Duration.zero
    var packetTimeout = Duration.zero
    var writeTimeout = Duration.seconds(60)
    var maxLifetime = Duration.zero
    var ping = PingSettings()
    var keepAlive = KeepAliveSettings()
    var packetRate = RateSetting()
    var packetBurst = 0
    var accessLog = AccessLogSettings()

    /// The most of all that is counted.
    private static let most = 1 << 20

    static let section = Section(Self()) {
        Key(
            "allow", \.allow, .blocks, marks: .ours,
            "Who may connect: addresses and blocks, `10.0.0.0/8`, `2001:db8::/32`. Empty: all."
        )
        Key("deny", \.deny, .blocks, marks: .ours, "Who may not, even if `allow` has it.")
        Key(
            "max_connections", \.maxConnections, .integer(in: 0...most), marks: .ours,
            "Open connections of each server. 0: as many as descriptors allow."
        )
        Key(
            "on_limit", \.onLimit, .choice(), marks: .ours,
            "What those beyond `max_connections` do: wait in the backlog, or be closed."
        )
        Key(
            "max_connections_per_ip", \.maxConnectionsPerIP, .integer(in: 0...most), marks: .ours,
            "Open connections of one client address, of IPv6 of one /64; more are closed. 0: no limit."
        )
        Key(
            "accept_rate", \.acceptRate, .rate, marks: .ours,
            "New connections of each server; more wait in the backlog. 0: no limit."
        )
        Key("accept_burst", \.acceptBurst, .integer(in: 0...most), marks: .ours, burstNotes("accept_rate"))
        Key(
            "accept_rate_per_ip", \.acceptRatePerIP, .rate, marks: .ours,
            "New connections of one client address, of IPv6 of one /64; more are closed. 0: no limit."
        )
        Key(
            "accept_burst_per_ip", \.acceptBurstPerIP, .integer(in: 0...most), marks: .ours,
            burstNotes("accept_rate_per_ip")
        )
        Key(
            "limits_dry_run", \.isDryRun, .bool, marks: .ours,
            "The limits above only count and warn: none refuses a connection, or has it wait."
        )
        Key(
            "idle_timeout", \.idleTimeout, .duration(.zeroAllowed), marks: .ours,
            "Without a byte of the client, while no event of it is with a worker. 0: off."
        )
        Key(
            "first_packet_timeout", \.firstPacketTimeout, .duration(.zeroAllowed), marks: .ours,
            "Until the first packet is whole, from the answer to `CONNECTED` on. 0: off."
        )
        Key(
            "packet_timeout", \.packetTimeout, .duration(.zeroAllowed), marks: .ours,
            "From a packet's first byte to its end. 0: off."
        )
        Key(
            "write_timeout", \.writeTimeout, .duration(.zeroAllowed), marks: .ours,
            "While the client takes no byte of its answers, at most a second late. 0: off."
        )
        Key(
            "max_lifetime", \.maxLifetime, .duration(.zeroAllowed), marks: .ours,
            "Of a connection, 10 % more or less at random; it ends between two packets. 0: off."
        )
        Key("ping", \.ping, section: PingSettings.section, readsAbsent: false)
        Key("keepalive", \.keepAlive, section: KeepAliveSettings.section, readsAbsent: false)
        Key(
            "packet_rate", \.packetRate, .rate, marks: .ours,
            "Packets of one connection; a client that sends more is not read for a while. 0: no limit."
        )
        Key("packet_burst", \.packetBurst, .integer(in: 0...most), marks: .ours, burstNotes("packet_rate"))
        Key("access_log", \.accessLog, section: AccessLogSettings.section, readsAbsent: false)
    }

    private static func burstNotes(_ key: String) -> String {
        "How many may come at once. 0: as many as `\(key)` says of its second, minute or hour."
    }

    /// The keys that mean nothing where clients have no address.
    static let keysByAddress = ["allow", "deny", "max_connections_per_ip", "accept_rate_per_ip", "accept_burst_per_ip"]
}

/// `ping`: bytes that a quiet client is sent.
struct PingSettings: Sendable, Equatable {
    /// Zero: none are sent.
    var interval = Duration.zero
    var data: [UInt8]?
    var misses = 3

    static let section = Section(Self()) {
        Key(
            "interval", \.interval, .duration(.zeroAllowed), marks: .ours,
            "A client that sends nothing for so long is sent `data`, then again each time. 0: off.", default: "0s"
        )
        Key(
            "data", \.data, .bytes(1...1024), marks: .ours, "Any bytes, written between two answers.",
            default: "required with `interval`"
        )
        Key(
            "misses", \.misses, .integer(in: 0...1000), marks: .ours,
            "Pings without a byte of the client after which the connection is closed. 0: never.", default: "3"
        )
    } check: { reader, ping throws(ConfigurationError) in
        guard ping.interval > .zero, ping.data == nil else { return }
        throw reader.place.error(
            .missingValue, "`ping` needs `data`: what a quiet client is sent", key: reader.path("data"),
            fix: "add it, as in \"NOOP\\r\\n\"")
    }
}

/// `keepalive`: the probes by which the system notices a client that is gone.
struct KeepAliveSettings: Sendable, Equatable {
    private static let most = Duration.seconds(32767)

    /// Zero: none are sent.
    var idle = Duration.seconds(15)
    var interval = Duration.seconds(15)
    /// 0: as the system has it.
    var count = 0

    static let section = Section(Self()) {
        Key(
            "idle", \.idle, .duration(.zeroAllowed), marks: .ours,
            "Silence before the first probe, in whole seconds. 0: no probes.", default: "15s"
        )
        Key(
            "interval", \.interval, .duration(.zeroIsDefault), marks: .ours, "Between two probes.", default: "15s"
        )
        Key(
            "count", \.count, .integer(in: 0...127), marks: .ours,
            "Probes without an answer after which the client is gone. 0: as the system has it, 9 mostly.", default: "0"
        )
    } check: { reader, settings throws(ConfigurationError) in
        for (key, value) in [("idle", settings.idle), ("interval", settings.interval)] where value > most {
            throw (reader.source[key]?.value.place ?? reader.place).error(
                .outOfRange, "is too long", key: reader.path(key), fix: "use at most 32767s")
        }
    }
}

extension ListenerSettings {
    /// Warns of limits by address where clients have none.
    func checkLimits(_ reader: SectionReader) {
        // A PROXY header tells the client's address there, too.
        guard case .unix = self.address, self.proxyProtocol == nil else { return }
        for key in LimitSettings.keysByAddress {
            guard let entry = reader.source[key], !entry.value.isNull else { continue }
            let message = "a client of a unix socket has no address: the key does nothing"
            reader.diagnostics.warn(entry.keyPlace.warning(message, key: reader.path(key)))
        }
    }
}

/// So many a second, a minute or an hour.
struct RateSetting: Sendable, Equatable, CustomStringConvertible {
    enum Period: String, Sendable, Equatable, CaseIterable {
        case second = "s"
        case minute = "m"
        case hour = "h"

        var seconds: Int {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            }
        }
    }

    /// 0: no limit.
    var count = 0
    var period = Period.second

    var description: String {
        self.period == .second ? "\(self.count)" : "\(self.count)/\(self.period.rawValue)"
    }
}

extension ValueKind<RateSetting> {
    /// `10`, `10/s`, `10/m` or `10/h`.
    static var rate: ValueKind {
        let most = 1 << 20
        return ValueKind(
            type: "integer or text",
            range: "0…\(most), with `/s` (without it, too), `/m` or `/h`",
            effective: { .scalar($0.effective) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let (scalar, place) = try reader.nonEmptyScalar(key) else { return nil }
                let text = SectionReader.trimmed(scalar.text)
                let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
                let period = parts.count == 1 ? .second : RateSetting.Period(rawValue: String(parts[1]))
                guard let period, parts[0].utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
                    let count = Int(parts[0])
                else {
                    throw place.error(
                        .invalidValue, "`\(text)` is no rate", key: reader.path(key),
                        fix: "use a number of connections or packets a second, or a text such as 10/s, 30/m or 100/h")
                }
                guard count <= most else {
                    throw place.error(
                        .outOfRange, "\(count) is not allowed", key: reader.path(key), fix: "use 0...\(most)")
                }
                let rate = RateSetting(count: count, period: period)
                reader.note(key, rate.effective, from: place)
                return rate
            }
        )
    }
}

extension RateSetting {
    fileprivate var effective: EffectiveScalar {
        self.period == .second ? .integer(self.count) : .text("\(self)")
    }
}

extension ValueKind<[AddressBlock]> {
    /// Addresses and blocks in CIDR notation; a text is split on commas. An empty list is one.
    static var blocks: ValueKind {
        ValueKind(
            type: "string or list",
            range: "IP addresses, CIDR",
            effective: { $0.isEmpty ? nil : .sequence($0.map { .text("\($0)") }, origin: .defaultValue) },
            read: { reader, key, _ throws(ConfigurationError) in
                guard let value = reader.source[key]?.value, !value.isNull else { return nil }
                var unnoted = reader
                guard let texts = try unnoted.list(key) else {
                    guard case .sequence = value.content else { return nil }
                    reader.note(key, [EffectiveScalar](), from: value.place)
                    return []
                }
                var blocks: [AddressBlock] = []
                for (index, text) in texts.enumerated() {
                    do throws(AddressBlock.Fault) {
                        blocks.append(try AddressBlock(text))
                    } catch {
                        throw value.item(index, of: texts.count).error(
                            .invalidValue, error.message, key: reader.path(key), fix: error.fix)
                    }
                }
                reader.note(key, blocks.map { .text("\($0)") }, from: value.place)
                return blocks
            }
        )
    }
}

extension SourceValue {
    /// Where an item of a list is; the list itself if some of its items were left out.
    fileprivate func item(_ index: Int, of count: Int) -> SourcePlace {
        guard case .sequence(let items) = self.content, items.count == count else {
            return self.place
        }
        return items[index].place
    }
}
