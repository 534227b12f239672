import Configuration
import Testing

@testable import Application

/// The section `kv`.
@Suite struct KeyValueTests {
    private func storage(_ text: String) throws -> (KeyValueSettings, [ConfigurationWarning]) {
        let loaded = try load(minimal + "rpc: {}\nkv: {Users: \(text)}\n")
        return (try #require(loaded.settings.kv["users"]), loaded.warnings)
    }

    @Test func aStorageOfEachDriver() throws {
        #expect(try self.storage("{driver: memory, config: {}}").0 == KeyValueSettings(name: "users"))
        var (storage, warnings) = try self.storage(
            "{driver: memory, config: {max_items: 10, max_memory: 2, max_value_size: 64KB, eviction: lru}}")
        #expect(storage.config.memory == .init(maxItems: 10, maxMemory: 2, maxValueSize: 65_536, eviction: .lru))
        #expect(warnings.isEmpty)
        (storage, warnings) = try self.storage(
            "{driver: boltdb, config: {file: a.db, permissions: 0600, interval: 5, sync: false}}")
        #expect(storage.driver == .boltdb)
        #expect(
            storage.config.file == .init(file: "a.db", permissions: 0o600, interval: .seconds(5), sync: false))
        #expect(warnings.isEmpty)
        #expect(try self.storage("{driver: file}").0.config.file == .init())
        #expect(try self.storage("{driver: boltdb, config: {interval: 0}}").0.config.file.interval == .seconds(60))
    }

    @Test(arguments: [
        ("{}", "kv.users.driver", "could not find mandatory driver field in the users storage"),
        ("{driver: nosql}", "kv.users.driver", "`nosql` is not known"),
        ("{driver: memcached}", "kv.users.driver", "the driver `memcached` is not there in this service"),
        ("memory", "kv.users", "a section with keys is expected here"),
        ("{driver: memory, config: {max_items: -1}}", "kv.users.config.max_items", "-1 is negative"),
        ("{driver: memory, config: {eviction: fifo}}", "kv.users.config.eviction", "`fifo` is not known"),
        ("{driver: boltdb, config: {permissions: 600}}", "kv.users.config.permissions", "`600` is no mode of a file"),
    ])
    func aMistakeIsNamed(text: String, key: String, message: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try self.storage(text) }
        #expect(error?.key == key && error?.message == message)
        #expect(error?.line != nil)
    }

    @Test func aKeyOfAnotherDriverIsNamed() throws {
        let (_, warnings) = try self.storage("{driver: memory, config: {file: rr.db, max_items: 1}}")
        #expect(warnings.map(\.key) == ["kv.users.config.file"])
        #expect(warnings.first?.message == "has no effect: the driver `memory` has no such key")
    }

    @Test func storagesWithoutRPCAreNoted() throws {
        let loaded = try load(minimal + "kv: {users: {driver: memory}}\n")
        #expect(loaded.warnings.map(\.key) == ["kv"])
        #expect(try load(minimal + "kv: {users: {driver: memory}}\nrpc: {}\n").warnings.isEmpty)
    }
}
