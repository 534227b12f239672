import Addresses
import Configuration
import Testing

@testable import Application

/// The keys of limits: of each server, and of `tcp` for all.
@Suite struct LimitKeysTests {
    private static let text = """
        version: '3'
        server: {command: php}
        tcp:
          allow: [10.0.0.0/8, "2001:db8::/32"]
          max_connections: 1000
          accept_rate_per_ip: 30/m
          keepalive: {idle: 60s, count: 4}
          idle_timeout: 5m
          servers:
            own: {addr: ':1', allow: [], max_connections_per_ip: 5, on_limit: close, accept_rate: 10/s, accept_burst: 7}
            other: {addr: ':2', deny: 10.1.0.0/16, limits_dry_run: true, keepalive: {interval: 5s}, idle_timeout: 0, packet_rate: 5/s}

        """

    @Test func aServerHasWhatIsOfAllUnlessItHasItsOwn() throws {
        let loaded = try load(Self.text)
        #expect(loaded.warnings.isEmpty)
        let servers = Dictionary(uniqueKeysWithValues: loaded.settings.tcp.servers.map { ($0.name, $0.limits) })
        let (own, other) = (try #require(servers["own"]), try #require(servers["other"]))
        #expect(own.allow == [] && own.maxConnections == 1000 && own.maxConnectionsPerIP == 5 && own.onLimit == .close)
        #expect(own.acceptRate == RateSetting(count: 10) && own.acceptBurst == 7)
        #expect(own.acceptRatePerIP == RateSetting(count: 30, period: .minute))
        #expect(other.allow == [try AddressBlock("10.0.0.0/8"), try AddressBlock("2001:db8::/32")])
        #expect(other.deny == [try AddressBlock("10.1.0.0/16")] && other.isDryRun && other.onLimit == .wait)
        #expect(own.keepAlive == KeepAliveSettings(idle: .seconds(60), count: 4) && own.idleTimeout == .seconds(300))
        let both = KeepAliveSettings(idle: .seconds(60), interval: .seconds(5), count: 4)
        #expect(other.keepAlive == both, "a section of its own has what is of all, too")
        #expect(other.idleTimeout == .zero && other.packetRate == RateSetting(count: 5))
        #expect(other.writeTimeout == .seconds(60), "the default")
        let again = try load(loaded.yaml())
        #expect(again.settings == loaded.settings)
    }

    @Test func variablesReachThem() throws {
        let loaded = try load(
            Self.text, environment: ["RR_TCP_SERVERS_OWN_DENY": "10.2.0.0/16,10.3.0.1", "RR_TCP_ACCEPT_RATE": "5/h"],
            overrides: ["tcp.servers.other.max_connections=3"])
        let servers = Dictionary(uniqueKeysWithValues: loaded.settings.tcp.servers.map { ($0.name, $0.limits) })
        #expect(servers["own"]?.deny == [try AddressBlock("10.2.0.0/16"), try AddressBlock("10.3.0.1")])
        #expect(servers["other"]?.acceptRate == RateSetting(count: 5, period: .hour))
        #expect(servers["other"]?.maxConnections == 3)
    }

    @Test(
        "One line names file, line, key and what is right",
        arguments: [
            ("deny: [10.0.0.0/8, office]", "deny", "10.0.0.0/8"),
            ("allow: [10.0.0.7/8]", "allow", "use 10.0.0.0/8"),
            ("allow: 10.0.0.0/33", "allow", "use 0...32"),
            ("allow: {a: b}", "allow", ""),
            ("max_connections: -1", "max_connections", "use 0"),
            ("max_connections_per_ip: many", "max_connections_per_ip", ""),
            ("on_limit: drop", "on_limit", "use one of wait, close"),
            ("accept_rate: 10/d", "accept_rate", "10/s"),
            ("accept_rate: -1", "accept_rate", "10/s"),
            ("accept_rate_per_ip: 99999999", "accept_rate_per_ip", "use 0...1048576"),
            ("accept_burst: 1.5", "accept_burst", ""),
            ("limits_dry_run: perhaps", "limits_dry_run", ""),
            ("idle_timeout: -1s", "idle_timeout", "use 0s or more"),
            ("max_lifetime: soon", "max_lifetime", ""),
            ("packet_rate: fast", "packet_rate", "10/s"),
            ("ping: {interval: 5s}", "ping.data", "add it"),
            ("ping: {interval: 5s, data: ''}", "ping.data", "use 1...1024"),
            ("keepalive: {idle: 10h}", "keepalive.idle", "use at most 32767s"),
            ("access_log: {level: loud}", "access_log.level", "use one of off, debug"),
            ("access_log: {sample: 2}", "access_log.sample", "use 0...1"),
            ("keepalive: {count: 200}", "keepalive.count", "use 0...127"),
        ] as [(String, String, String)]
    )
    func errors(keys: String, key: String, fix: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try loadServer("addr: ':1', \(keys)") }
        #expect(error.key == "tcp.servers.main.\(key)", "\(error)")
        #expect(error.line == 3, "\(error)")
        #expect("\(error)".contains(fix), "\(error)")
    }

    @Test func aClientOfAUnixSocketHasNoAddress() throws {
        let (_, loaded) = try loadServer("addr: 'unix:///tmp/x', deny: 10.0.0.0/8, max_connections: 5")
        #expect(loaded.warnings.count == 1 && loaded.warnings[0].key == "tcp.servers.main.deny")
    }
}
