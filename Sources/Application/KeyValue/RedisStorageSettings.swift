import Addresses
import Configuration

/// The keys of `driver: redis`.
struct RedisStorageSettings: Sendable, Equatable {
    /// Never empty.
    var addresses = [ListenAddress.tcp(host: "127.0.0.1", port: 6379)]
    var database = 0
    /// Empty for none, as for the next three.
    var username = ""
    var password = ""
    var masterName = ""
    var sentinelPassword = ""
    var tls: RedisTLSSettings?
    var dialTimeout = Duration.seconds(5)
    var readTimeout = Duration.seconds(3)
    /// `nil`: as ``readTimeout``.
    var writeTimeout: Duration?
    /// -1: none.
    var maxRetries = 3
    var minRetryBackoff = Duration.milliseconds(8)
    var maxRetryBackoff = Duration.milliseconds(512)

    static let section = Section(Self()) {
        Key(
            "addrs", \.addresses, .addresses, marks: .atStart,
            "`redis`: one server; several nodes of a cluster; with `master_name` the sentinels."
        )
        Key("db", \.database, .integer(in: 0...1 << 20), marks: .atStart, "`redis`: the database; not of a cluster.")
        Key("username", \.username, .text(), marks: .atStart, "`redis`: with `password`, for an ACL.")
        Key("password", \.password, .secret, marks: .atStart, "`redis`: of the servers.")
        Key(
            "master_name", \.masterName, .text(), marks: .atStart,
            "`redis`: the master's name at the sentinels that `addrs` has."
        )
        Key("sentinel_password", \.sentinelPassword, .secret, marks: .atStart, "`redis`: of the sentinels.")
        Key("tls", \.tls, section: RedisTLSSettings.section)
        Key(
            "dial_timeout", \.dialTimeout, .duration(.zeroIsDefault), marks: .atStart,
            "`redis`: until a connection is made and logged in, and the most that a call waits for one."
        )
        Key("read_timeout", \.readTimeout, .duration(.zeroIsDefault), marks: .atStart, "`redis`: for a reply.")
        Key(
            "write_timeout", \.writeTimeout, .duration(.zeroIsDefault), marks: .atStart,
            "`redis`: until the system takes a command.", default: "`read_timeout`"
        )
        Key(
            "max_retries", \.maxRetries, .integer(in: -1...1000, zeroIsDefault: true), marks: .atStart,
            "`redis`: how many more times a call is tried; −1: none. `Add` and `Incr` are not when they may have taken effect."
        )
        Key(
            "min_retry_backoff", \.minRetryBackoff, .duration(.zeroIsDefault), marks: .atStart,
            "`redis`: the pause before the first of them, and before a connection is made anew; doubled each time."
        )
        Key("max_retry_backoff", \.maxRetryBackoff, .duration(.zeroIsDefault), marks: .atStart, "`redis`: its bound.")
        withoutEffect("pool_size", oneConnection)
        withoutEffect("min_idle_conns", oneConnection)
        withoutEffect("max_conn_age", oneConnection)
        withoutEffect("pool_timeout", oneConnection)
        withoutEffect("idle_timeout", oneConnection)
        withoutEffect("idle_check_freq", oneConnection)
        withoutEffect("route_by_latency", mastersAnswer)
        withoutEffect("route_randomly", mastersAnswer)
        withoutEffect("read_only", mastersAnswer)
    }

    var isCluster: Bool { masterName.isEmpty && addresses.count > 1 }

    private static let oneConnection = "`redis`: one connection to each server takes all calls"
    private static let mastersAnswer = "`redis`: masters answer all calls: a replica may not have the latest value"

    private static func withoutEffect(_ name: String, _ reason: String) -> Key<Self> {
        Key.withoutEffect(name, reason)
    }
}

/// `kv.<name>.config.tls`: files, relative ones from the working directory.
struct RedisTLSSettings: Sendable, Equatable {
    var certificate = ""
    var key = ""
    var rootCA = ""

    static let section = Section(Self()) {
        Key("cert", \.certificate, .text("file"), marks: .atStart, "`redis`: the certificate that the client shows.")
        Key("key", \.key, .text("file"), marks: .atStart, "`redis`: its key.")
        Key(
            "root_ca", \.rootCA, .text("file"), marks: .atStart,
            "`redis`: authorities that are trusted besides those of the system; `tls: {}` does with the latter."
        )
    } check: { reader, tls throws(ConfigurationError) in
        guard tls.certificate.isEmpty != tls.key.isEmpty else { return }
        let (given, missing) = tls.key.isEmpty ? ("cert", "key") : ("key", "cert")
        throw (reader.source[given]?.keyPlace ?? reader.place).error(
            .missingValue, "`\(given)` without `\(missing)`", key: reader.path(given),
            fix: "add `\(missing): FILE`, or remove `\(given)`")
    }
}

extension ValueKind<[ListenAddress]> {
    /// One or several addresses.
    fileprivate static var addresses: ValueKind {
        ValueKind(
            type: "string or list",
            effective: { .sequence($0.map { .text($0.description) }, origin: .defaultValue) },
            read: { reader, key, _ throws(ConfigurationError) in
                var unnoted = reader
                guard let texts = try unnoted.list(key), let place = reader.source[key]?.value.place else { return nil }
                var addresses: [ListenAddress] = []
                for text in texts {
                    do throws(ListenAddress.Fault) {
                        addresses.append(try ListenAddress(parsing: text))
                    } catch {
                        throw place.error(
                            error.isOutOfRange ? .outOfRange : .invalidValue, error.message, key: reader.path(key),
                            fix: "use host:port")
                    }
                }
                reader.note(key, addresses.map { .text($0.description) }, from: place)
                return addresses
            }
        )
    }
}
