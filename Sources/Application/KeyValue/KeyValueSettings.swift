import Configuration

/// `kv.<name>`: one storage.
struct KeyValueSettings: Sendable, Equatable {
    /// In lower case.
    var name = ""
    var driver = KeyValueDriver.memory
    var config = KeyValueConfig()

    static let section = Section(Self()) {
        Key(
            "driver", \.driver, .driver, marks: .atStart,
            "`memory` loses everything at a restart; `boltdb`, or `file`, keeps it in one file; `redis` in Redis. See "
                + "[KV](kv.md).",
            required: MissingKey(
                { "could not find mandatory driver field in the \($0.dropFirst("kv.".count)) storage" },
                fix: "add `driver: memory`")
        )
        Key("config", \.config, section: KeyValueConfig.section, only: { KeyValueConfig.keys(of: $0.driver) })
    } check: { reader, storage throws(ConfigurationError) in
        storage.warnOfOthersKeys(reader)
        storage.warnOfDatabase(reader)
    }

    /// A key of another driver's has no effect, which is easily overlooked.
    private func warnOfOthersKeys(_ reader: SectionReader) {
        guard let config = reader.source.mapping("config") else { return }
        let own = KeyValueConfig.keys(of: driver)
        for entry in config.entries where KeyValueConfig.all.contains(entry.key) && !own.contains(entry.key) {
            let message = "has no effect: the driver `\(driver.rawValue)` has no such key"
            reader.diagnostics.warn(
                entry.keyPlace.warning(message, key: "\(reader.path("config")).\(entry.key)"))
        }
    }
}

extension KeyValueSettings {
    fileprivate func warnOfDatabase(_ reader: SectionReader) {
        guard driver == .redis, config.redis.isCluster, config.redis.database != 0,
            let place = reader.source.mapping("config")?["db"]?.keyPlace
        else {
            return
        }
        let message = "has no effect: a cluster, which several `addrs` are, has no databases"
        reader.diagnostics.warn(place.warning(message, key: "\(reader.path("config")).db"))
    }
}

enum KeyValueDriver: String, Sendable, Equatable, CaseIterable {
    case memory
    /// RoadRunner's name for the same as `file`.
    case boltdb
    case file
    case redis
}

/// `kv.<name>.config`: the keys of all drivers.
struct KeyValueConfig: Sendable, Equatable {
    var memory = MemoryStorageSettings()
    var file = FileStorageSettings()
    var redis = RedisStorageSettings()

    private static let memoryKeys = MemoryStorageSettings.section.keys(within: \Self.memory)
    private static let fileKeys = FileStorageSettings.section.keys(within: \Self.file)

    private static let redisKeys = RedisStorageSettings.section.keys(within: \Self.redis)

    static let section = Section(Self(), including: memoryKeys + fileKeys + redisKeys) {}

    static let all = section.keyNames

    static func keys(of driver: KeyValueDriver) -> Set<String> {
        switch driver {
        case .memory: MemoryStorageSettings.section.keyNames
        case .boltdb, .file: FileStorageSettings.section.keyNames
        case .redis: RedisStorageSettings.section.keyNames
        }
    }
}

/// The keys of `driver: memory`.
struct MemoryStorageSettings: Sendable, Equatable {
    /// 0: no bound, as for the next.
    var maxItems = 0
    /// In MB.
    var maxMemory = 0
    /// In bytes.
    var maxValueSize: Int?
    var eviction = KeyValueEviction.none

    static let section = Section(Self()) {
        Key(
            "max_items", \.maxItems, .integer(in: 0...Int.max), marks: [.ours, .atStart],
            "`memory`: the most keys. 0: no bound."
        )
        Key(
            "max_memory", \.maxMemory, .integer(in: 0...1 << 24, unit: "MB"), marks: [.ours, .atStart],
            "`memory`: of all keys and values, and 100 bytes for each key. 0: no bound."
        )
        Key(
            "max_value_size", \.maxValueSize, .size(zeroIsDefault: true), marks: [.ours, .atStart],
            "`memory`: of one value.", default: "no bound"
        )
        Key(
            "eviction", \.eviction, .choice(), marks: [.ours, .atStart],
            "`memory`: at a bound, `none` fails the call, `lru` removes the keys that were not used for the longest time."
        )
    }
}

enum KeyValueEviction: String, Sendable, Equatable, CaseIterable {
    case none
    case lru
}

/// The keys of `driver: boltdb` and `driver: file`.
struct FileStorageSettings: Sendable, Equatable {
    var file = "rr.db"
    var permissions: SocketMode = 0o755
    var interval = Duration.seconds(60)
    var sync = true

    static let section = Section(Self()) {
        Key(
            "file", \.file, .text("file"), marks: .atStart,
            "`boltdb`: from the working directory. A bbolt database of RoadRunner is left as it is, and an error."
        )
        Key(
            "permissions", \.permissions, .socketMode, marks: .atStart, "`boltdb`: of a new file, less the umask.",
            default: "\"0755\""
        )
        Key(
            "interval", \.interval, .duration(.zeroIsDefault, wholeNumbersAre: .seconds(1)), marks: .atStart,
            "`boltdb`: between removals of keys whose time has passed, which are never answered with."
        )
        Key(
            "sync", \.sync, .bool, marks: [.ours, .atStart],
            "`boltdb`: whether a call is answered only when the disk has it; `false` may lose the last seconds at a loss of "
                + "power, though not at the end of the process."
        )
    }
}

extension ValueKind<KeyValueDriver> {
    /// One of the drivers that are there; the one that is missing is told so.
    fileprivate static var driver: ValueKind {
        let known = ValueKind.choice()
        return ValueKind(
            type: "string",
            range: KeyValueDriver.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "),
            effective: { .scalar(.text($0.rawValue)) },
            read: { reader, key, fallback throws(ConfigurationError) in
                if let (scalar, place) = try reader.scalar(key), scalar.text.lowercased() == "memcached" {
                    throw place.error(
                        .invalidValue, "the driver `memcached` is not there in this service", key: reader.path(key),
                        fix: "use memory, or redis where servers share their keys")
                }
                return try known.read(&reader, key, fallback)
            }
        )
    }
}
