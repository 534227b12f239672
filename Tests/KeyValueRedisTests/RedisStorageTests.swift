import Addresses
import Glibc
import KeyValue
import KeyValueRedis
import Logging
import NIOCore
import RedisClient
import StorageTestSupport
import Synchronization
import TestSupport
import Testing

/// The storage on a real server.
@Suite struct RedisStorageTests {
    private static func storage(_ server: RedisServer) -> RedisStorage {
        let configuration = RedisConfiguration(.single(.tcp(host: "127.0.0.1", port: server.port)))
        let logger = Logger(label: "redis") { _ in SwiftLogNoOpLogHandler() }
        let client = RedisClient(configuration, logger: logger)
        client.start()
        return RedisStorage(client)
    }

    private static func now() -> UnixMilliseconds {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// The test of all drivers. The server's clock cannot be moved: expiries are long over, or far.
    @Test(arguments: [UInt64(1), 2, 3])
    func itDoesWhatADictionaryDoes(seed: UInt64) async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let storage = Self.storage(server)
        var walk = StorageWalk()
        walk.expiries = [-.max / 2, -1_800_000_000_000, -20, -1, 0, 3_600_000, 7_200_001, 86_400_000]
        walk.steps = 0...0
        let difference = await walk.run(storage, clock: ManualClock(Self.now()), seed: seed, requests: 3000)
        #expect(difference == nil, "\(difference ?? "")")
        await storage.close()
    }

    @Test func whatManyClientsAreAnsweredCouldHaveHappenedOneByOne() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        // Each with a connection of its own, as several services have.
        let storages = (0..<2).map { _ in Self.storage(server) }
        let key = ByteBuffer(string: "number")
        let history = await StorageHammer.history(of: Both(storages), key: key, clients: 16, operations: 25)
        #expect(history.isLinearizable)
        for storage in storages { await storage.close() }
    }

    private func keys(_ keys: String...) -> [ByteBuffer] { keys.map { ByteBuffer(string: $0) } }

    private func item(_ key: String, _ value: String, _ expiry: UnixMilliseconds? = nil) -> StorageItem {
        StorageItem(key: ByteBuffer(string: key), value: ByteBuffer(string: value), expiry: expiry)
    }

    private func increment(_ key: String, _ amount: Int64, _ expiry: UnixMilliseconds? = nil) -> StorageIncrement {
        StorageIncrement(key: ByteBuffer(string: key), by: amount, expiry: expiry)
    }

    /// An answer in words.
    private func perform(_ storage: RedisStorage, _ request: StorageRequest) async -> String {
        switch await storage.ask(request) {
        case .failed(let error): "error \(error.text)"
        case .done: "done"
        case .existence(let list), .added(let list): "\(list)"
        case .numbers(let numbers): "\(numbers)"
        case .expiries(let expiries): "\(expiries)"
        case .values(let values):
            values.map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "–" }.joined(separator: " ")
        }
    }

    @Test func valuesAndTheirTimes() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let storage = Self.storage(server)
        let soon = Self.now() + 3_600_000
        for single in [true, false] {
            let others = single ? [] : [self.item("y", "2", soon + 1), self.item("z", "", 1), self.item("e", "")]
            #expect(await self.perform(storage, .set([self.item("x", "1", soon)] + others)) == "done")
        }
        #expect(await self.perform(storage, .get(self.keys("x", "none", "y", "z", "e", "x"))) == "1 – 2 –  1")
        #expect(await self.perform(storage, .has(self.keys("x", "none", "z", "e"))) == "[true, false, false, true]")
        #expect(await self.perform(storage, .has(self.keys("none"))) == "[false]")
        let times: [KeyExpiry] = [.at(soon), .absent, .at(soon + 1), .never]
        #expect(await self.perform(storage, .timeToLive(self.keys("x", "none", "y", "e"))) == "\(times)")
        // A time that has passed.
        #expect(await self.perform(storage, .set([self.item("x", "3", Self.now() - 1)])) == "done")
        #expect(await self.perform(storage, .has(self.keys("x"))) == "[false]")
        let later = soon + 5000
        let expiries = [("y", later), ("none", later), ("e", 0)].map {
            StorageExpiry(key: ByteBuffer(string: $0.0), at: $0.1)
        }
        #expect(await self.perform(storage, .expire(expiries)) == "done")
        #expect(await self.perform(storage, .expire([expiries[0]])) == "done")
        let changed: [KeyExpiry] = [.at(later), .absent, .absent]
        #expect(await self.perform(storage, .timeToLive(self.keys("y", "none", "e"))) == "\(changed)")
        // Neither value nor time survive a new value.
        #expect(await self.perform(storage, .set([self.item("y", "4")])) == "done")
        #expect(await self.perform(storage, .timeToLive(self.keys("y"))) == "\([KeyExpiry.never])")
        #expect(await self.perform(storage, .delete(self.keys("y", "none"))) == "done")
        #expect(await self.perform(storage, .set([self.item("a", "1"), self.item("a", "2")])) == "done")
        #expect(await self.perform(storage, .get(self.keys("a", "y"))) == "2 –")
        #expect(await self.perform(storage, .clear) == "done")
        #expect(await self.perform(storage, .get(self.keys("a"))) == "–")
        await storage.close()
        #expect(await self.perform(storage, .get(self.keys("a"))) == "error \(StorageError.closed.text)")
    }

    @Test func addKeepsWhatIsThere() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let storage = Self.storage(server)
        let soon = Self.now() + 3_600_000
        #expect(await self.perform(storage, .add([self.item("a", "1", soon)])) == "[true]")
        #expect(await self.perform(storage, .add([self.item("a", "2")])) == "[false]")
        let items = [self.item("a", "3", 1), self.item("b", "4"), self.item("b", "5"), self.item("c", "6", soon)]
        #expect(await self.perform(storage, .add(items)) == "[false, true, false, true]")
        #expect(await self.perform(storage, .get(self.keys("a", "b", "c"))) == "1 4 6")
        let times: [KeyExpiry] = [.at(soon), .never, .at(soon)]
        #expect(await self.perform(storage, .timeToLive(self.keys("a", "b", "c"))) == "\(times)")
        #expect(await self.perform(storage, .add([self.item("d", "1", 1)])) == "[true]")
        #expect(await self.perform(storage, .has(self.keys("d"))) == "[false]")
        await storage.close()
    }

    @Test func numbersKeepAllTheirDigitsAndTheirTimes() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let storage = Self.storage(server)
        let soon = Self.now() + 3_600_000
        #expect(await self.perform(storage, .increment([self.increment("n", 1, soon)])) == "[1]")
        #expect(await self.perform(storage, .increment([self.increment("n", 1, soon + 9)])) == "[2]")
        #expect(await self.perform(storage, .timeToLive(self.keys("n"))) == "\([KeyExpiry.at(soon)])")
        let large = Int64.max - 5
        #expect(
            await self.perform(
                storage,
                .increment([self.increment("m", large), self.increment("n", -5), self.increment("m", 2, soon)])
            ) == "[\(large), -3, \(large + 2)]")
        #expect(await self.perform(storage, .timeToLive(self.keys("m"))) == "\([KeyExpiry.never])")
        // A counter of a window that is over.
        #expect(await self.perform(storage, .increment([self.increment("w", 7, 1)])) == "[7]")
        #expect(await self.perform(storage, .has(self.keys("w"))) == "[false]")
        await storage.close()
    }

    @Test func anIncrementThatFailsChangesNothing() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let storage = Self.storage(server)
        let soon = Self.now() + 3_600_000
        let items = [self.item("n", "1", soon), self.item("text", "01"), self.item("max", "\(Int64.max)")]
        #expect(await self.perform(storage, .set(items)) == "done")
        let first = [self.increment("n", 5), self.increment("new", 1, soon), self.increment("n", 5)]
        #expect(
            await self.perform(storage, .increment(first + [self.increment("text", 1)]))
                == "error \(StorageError.notAnInteger.text)")
        #expect(
            await self.perform(storage, .increment(first + [self.increment("max", 1)]))
                == "error \(StorageError.integerOverflow.text)")
        #expect(await self.perform(storage, .get(self.keys("n", "new", "text", "max"))) == "1 – 01 \(Int64.max)")
        #expect(await self.perform(storage, .timeToLive(self.keys("n"))) == "\([KeyExpiry.at(soon)])")
        await storage.close()
    }

    @Test func incrementsOfManyAreNotLost() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let storage = Self.storage(server)
        let far = Self.now() + 3_600_000
        await withTaskGroup { group in
            for _ in 0..<16 {
                group.addTask {
                    for index in 0..<50 {
                        let increment = self.increment("n", 1, index % 2 == 0 ? far : nil)
                        _ = await self.perform(storage, .increment([increment]))
                    }
                }
            }
        }
        #expect(await self.perform(storage, .get(self.keys("n"))) == "800")
        await storage.close()
    }

    @Test func aDeadServerFailsRequestsWithTheReason() async throws {
        let server = try RedisServer()
        defer { server.kill() }
        let storage = Self.storage(server)
        server.kill()
        let reason = "error dial tcp 127.0.0.1:\(server.port): connect: connection refused"
        for request in [StorageRequest.get(self.keys("a")), .clear, .increment([self.increment("n", 1)])] {
            #expect(await self.perform(storage, request) == reason)
        }
        await storage.close()
    }
}

/// Takes requests to storages in turn.
private final class Both: Storage {
    private let storages: [RedisStorage]
    private let next = Atomic<Int>(0)

    init(_ storages: [RedisStorage]) {
        self.storages = storages
    }

    var driver: StorageDriver { .redis }
    var measures: StorageMeasures { StorageMeasures() }

    func perform(_ request: StorageRequest, _ completion: @escaping StorageCompletion) {
        let index = self.next.wrappingAdd(1, ordering: .relaxed).oldValue % self.storages.count
        self.storages[index].perform(request, completion)
    }

    func close() async {}
}
