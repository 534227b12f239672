import Addresses
import Configuration
import Testing

@testable import Application

/// The section `kv.<name>.config` of a storage on Redis.
@Suite struct RedisStorageSettingsTests {
    private func load(_ kv: String, more: String = "") throws -> LoadedSettings {
        try ConfigurationTests.load(minimal + "rpc: {}\nkv: {users: \(kv)}\n\(more)\n")
    }

    private func redis(_ config: String) throws -> (RedisStorageSettings, [ConfigurationWarning]) {
        let loaded = try self.load("{driver: redis, config: \(config)}")
        return (try #require(loaded.settings.kv["users"]).config.redis, loaded.warnings)
    }

    @Test func everyKey() throws {
        let (none, quiet) = try self.redis("{}")
        #expect(none == RedisStorageSettings())
        #expect(quiet.isEmpty)
        let (all, warnings) = try self.redis(
            """
            {addrs: ["a:1", "[::1]:2"], username: u, password: 123, master_name: m, sentinel_password: s, db: 3,
             dial_timeout: 1s, read_timeout: 2s, write_timeout: 3s, max_retries: -1, min_retry_backoff: 4ms,
             max_retry_backoff: 5ms, tls: {cert: c, key: k, root_ca: r}}
            """)
        var expected = RedisStorageSettings()
        expected.addresses = [.tcp(host: "a", port: 1), .tcp(host: "::1", port: 2)]
        (expected.username, expected.password, expected.masterName, expected.sentinelPassword) = ("u", "123", "m", "s")
        (expected.database, expected.maxRetries) = (3, -1)
        (expected.dialTimeout, expected.readTimeout, expected.writeTimeout) = (.seconds(1), .seconds(2), .seconds(3))
        (expected.minRetryBackoff, expected.maxRetryBackoff) = (.milliseconds(4), .milliseconds(5))
        expected.tls = RedisTLSSettings(certificate: "c", key: "k", rootCA: "r")
        #expect(all == expected)
        #expect(warnings.isEmpty)
        // 0 stands for the default.
        #expect(try self.redis("{dial_timeout: 0, max_retries: 0, min_retry_backoff: 0}").0 == none)
        #expect(try self.redis("{addrs: 'a:1,b:2'}").0.addresses.count == 2)
    }

    @Test func keysOfRoadRunnerThatHaveNoEffectAreNoted() throws {
        let names = [
            "pool_size", "min_idle_conns", "max_conn_age", "pool_timeout", "idle_timeout", "idle_check_freq",
            "route_by_latency", "route_randomly", "read_only",
        ]
        let (redis, warnings) = try self.redis("{\(names.map { "\($0): 1" }.joined(separator: ", "))}")
        #expect(redis == RedisStorageSettings())
        #expect(Set(warnings.compactMap(\.key)) == Set(names.map { "kv.users.config.\($0)" }))
        #expect(warnings.allSatisfy { $0.message.hasPrefix("has no effect: `redis`: ") })
        let (_, cluster) = try self.redis("{addrs: [\"a:1\", \"b:2\"], db: 1}")
        #expect(cluster.map(\.key) == ["kv.users.config.db"])
    }

    @Test(arguments: [
        ("{addrs: [a]}", "addrs", "invalid Protocol or address `a`: the port is missing"),
        ("{addrs: ['a:70000']}", "addrs", "invalid address `a:70000`: the port 70000 is not in 0...65535"),
        ("{db: -1}", "db", "-1 is negative"), ("{dial_timeout: x}", "dial_timeout", "`x` is not a duration"),
        ("{tls: {cert: a}}", "tls.cert", "`cert` without `key`"),
        ("{tls: {key: a}}", "tls.key", "`key` without `cert`"),
    ])
    func aMistakeIsNamed(config: String, key: String, message: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try self.redis(config) }
        #expect(error?.key == "kv.users.config.\(key)" && error?.message == message, "\(String(describing: error))")
        #expect(error?.line != nil)
    }

    @Test func passwordsAreMasked() throws {
        let loaded = try self.load("{driver: redis, config: {password: hunter2, sentinel_password: swordfish}}")
        for text in [loaded.yaml(), loaded.json(), loaded.explanation()] {
            #expect(!text.contains("hunter2") && !text.contains("swordfish") && text.contains("***"))
        }
        #expect(loaded.yaml(showsSecrets: true).contains("hunter2"))
    }

    @Test func onlyTheKeysOfItsDriverArePrinted() throws {
        let redis = try self.load("{driver: redis}").yaml()
        #expect(redis.contains("addrs") && !redis.contains("max_items") && !redis.contains("rr.db"))
        let memory = try self.load("{driver: memory}").yaml()
        #expect(!memory.contains("addrs") && memory.contains("max_items"))
    }

    @Test func theConfigurationMayBeASectionOfTheRoot() throws {
        for config in ["", ", config: null"] {
            let loaded = try self.load("{driver: redis\(config)}", more: "users: {addrs: ['a:1'], pool_size: 3}")
            #expect(loaded.settings.kv["users"]?.config.redis.addresses == [.tcp(host: "a", port: 1)])
            #expect(loaded.warnings.map(\.key) == ["kv.users.config.pool_size"])
        }
        // Its own comes first.
        let own = try self.load("{driver: redis, config: {addrs: ['a:1']}}", more: "users: {addrs: ['b:1']}")
        #expect(own.settings.kv["users"]?.config.redis.addresses == [.tcp(host: "a", port: 1)])
        #expect(own.warnings.map(\.key) == ["users"])
        let error = #expect(throws: ConfigurationError.self) {
            try self.load("{driver: redis}", more: "users:\n  db: x")
        }
        #expect(error?.key == "kv.users.config.db")
        // A section that means something else is not taken.
        let loaded = try ConfigurationTests.load(
            minimal + "rpc: {}\nkv: {rpc: {driver: redis}, redis: {driver: redis}}\nredis: {db: 7}\n")
        #expect(loaded.settings.kv["rpc"]?.config.redis == RedisStorageSettings())
        #expect(loaded.settings.kv["redis"]?.config.redis.database == 7)
        #expect(loaded.settings.rpc != nil)
        #expect(loaded.warnings.isEmpty)
    }
}
