import KeyValue
import NIOCore
import StorageTestSupport
import TestSupport
import Testing

@Suite struct MemoryStorageTests {
    private let clock = ManualClock()

    private func item(_ key: String, _ value: String = "v", in milliseconds: Int64? = nil) -> StorageItem {
        StorageItem(
            key: ByteBuffer(string: key), value: ByteBuffer(string: value),
            expiry: milliseconds.map { self.clock.now() + $0 })
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func answersAsTheModelDoes(seed: UInt64) async {
        // A limit that is never reached takes the other way through the driver.
        let limits = seed % 2 == 0 ? MemoryLimits() : MemoryLimits(items: 100, eviction: .leastRecentlyUsed)
        let storage = MemoryStorage(limits: limits, now: self.clock.now)
        let difference = await StorageWalk().run(storage, clock: self.clock, seed: seed, requests: 1500) { request in
            if request % 5 == 0 { _ = storage.sweep() }
        }
        #expect(difference == nil)
        self.clock.advance(by: 10_000)
        while storage.sweep() < .milliseconds(2) {}
        let measures = storage.measures
        _ = await storage.ask(.clear)
        #expect(storage.measures.items == 0 && storage.measures.bytes == 0)
        #expect(storage.measures.expired == measures.expired)
    }

    @Test func manyKeysComeAndGo() async {
        let storage = MemoryStorage(now: self.clock.now)
        var random = SeededGenerator(seed: 7)
        var expiries: [Int: Int64] = [:]
        for _ in 0..<60_000 {
            let number = random.pick(0...9999)
            if random.chance(30) {
                _ = await storage.ask(.delete([ByteBuffer(string: "\(number)")]))
                expiries[number] = nil
            } else {
                let time = Int64(random.pick(1...100_000))
                _ = await storage.ask(.set([self.item("\(number)", in: time)]))
                expiries[number] = self.clock.now() + time
            }
        }
        for _ in 0..<100 {
            self.clock.advance(by: 1000)
            while storage.sweep() < .milliseconds(2) {}
            let left = expiries.values.count { $0 > self.clock.now() }
            #expect(storage.measures.items == left)
        }
        #expect(storage.measures.bytes == 0)
        #expect(storage.measures.expired == expiries.count)
    }

    @Test func aSweepIsASlice() async {
        let storage = MemoryStorage(now: self.clock.now)
        for start in stride(from: 0, to: 50_000, by: 1000) {
            _ = await storage.ask(.set((start..<start + 1000).map { self.item("key \($0)", in: 5) }))
        }
        self.clock.advance(by: 5)
        var slices = 0
        while storage.sweep() < .milliseconds(2) { slices += 1 }
        #expect(storage.measures.items == 0)
        #expect(slices > 1)
    }

    @Test func anExpiryHoldsToTheMillisecond() async {
        let storage = MemoryStorage(now: self.clock.now)
        _ = await storage.ask(.set([self.item("a", in: 2)]))
        self.clock.advance(by: 1)
        #expect(await storage.ask(.has([ByteBuffer(string: "a")])) == .existence([true]))
        self.clock.advance(by: 1)
        #expect(await storage.ask(.has([ByteBuffer(string: "a")])) == .existence([false]))
    }

    @Test func aFullStorageRefusesTheWholeCall() async {
        let storage = MemoryStorage(limits: MemoryLimits(items: 3), now: self.clock.now)
        #expect(await storage.ask(.set([self.item("a"), self.item("b", in: 10)])) == .done)
        let full = PlainAnswer.failed(StorageError("the storage is full, max_items allows 3"))
        #expect(await storage.ask(.set([self.item("a", "new"), self.item("c"), self.item("d")])) == full)
        let increments = [
            StorageIncrement(key: ByteBuffer(string: "x"), by: 1), .init(key: ByteBuffer(string: "y"), by: 1),
        ]
        #expect(await storage.ask(.increment(increments)) == full)
        #expect(await storage.ask(.get([ByteBuffer(string: "a")])) == .values([Array("v".utf8)]))
        #expect(storage.measures.items == 2)
        #expect(storage.measures.refused == 2)
        // A key twice is one; a key that exists takes no more room; one whose time has passed gives its own.
        #expect(await storage.ask(.set([self.item("c"), self.item("c"), self.item("a")])) == .done)
        #expect(await storage.ask(.add([self.item("a"), self.item("d")])) == full)
        self.clock.advance(by: 10)
        #expect(await storage.ask(.add([self.item("a"), self.item("d")])) == .added([false, true]))
    }

    @Test func memoryIsBounded() async {
        let storage = MemoryStorage(limits: MemoryLimits(bytes: 1000), now: self.clock.now)
        #expect(await storage.ask(.set([self.item("a", String(repeating: "x", count: 800))])) == .done)
        let full = PlainAnswer.failed(StorageError("the storage is full, max_memory allows 1000 bytes"))
        #expect(await storage.ask(.set([self.item("b")])) == full)
        #expect(await storage.ask(.set([self.item("a", String(repeating: "x", count: 1000))])) == full)
        #expect(await storage.ask(.set([self.item("a"), self.item("b")])) == .done)
    }

    @Test func aLargeValueIsRefused() async {
        let storage = MemoryStorage(limits: MemoryLimits(valueBytes: 3), now: self.clock.now)
        let refused = PlainAnswer.failed(StorageError("a value has 4 bytes, max_value_size allows 3"))
        #expect(await storage.ask(.set([self.item("a", "123"), self.item("b", "1234")])) == refused)
        #expect(await storage.ask(.add([self.item("a", "1234")])) == refused)
        #expect(storage.measures.items == 0)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func evictionTakesTheLeastRecentlyUsed(seed: UInt64) async {
        let storage = MemoryStorage(limits: MemoryLimits(items: 10, eviction: .leastRecentlyUsed), now: self.clock.now)
        var random = SeededGenerator(seed: seed)
        var order: [Int] = []
        func use(_ number: Int) {
            order.removeAll { $0 == number }
            order.append(number)
        }
        for _ in 0..<3000 {
            let numbers = (0..<random.pick(1...4)).map { _ in random.pick(0...30) }
            let keys = numbers.map { ByteBuffer(string: "\($0)") }
            if random.chance(50) {
                let expected = numbers.map { order.contains($0) ? Array("v".utf8) : nil }
                #expect(await storage.ask(.get(keys)) == .values(expected))
                for number in numbers where order.contains(number) { use(number) }
            } else {
                #expect(await storage.ask(.set(numbers.map { self.item("\($0)") })) == .done)
                // Each key counts where it first stands: the last item of a key is stored in the first one's place.
                var distinct: [Int] = []
                for number in numbers where !distinct.contains(number) { distinct.append(number) }
                distinct.forEach(use)
                order.removeFirst(max(0, order.count - 10))
            }
        }
        #expect(storage.measures.items == 10)
        let tooMany = await storage.ask(.set((0..<11).map { self.item("\($0)") }))
        #expect(tooMany == .failed(StorageError("the storage is full, max_items allows 10")))
    }

    @Test func callsAreWholeForOthers() async {
        let storage = MemoryStorage()
        // Each call sets all keys to one number, over all shards; a reader sees one number only.
        let keys = (0..<40).map { ByteBuffer(string: "key \($0)") }
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<8 {
                group.addTask {
                    for round in 0..<60 {
                        let value = ByteBuffer(string: "\(client) \(round)")
                        let keys = client % 2 == 0 ? keys : keys.reversed()
                        _ = await storage.ask(.set(keys.map { StorageItem(key: $0, value: value) }))
                        guard case .values(let values) = await storage.ask(.get(keys)) else { continue }
                        #expect(Set(values).count == 1)
                    }
                }
            }
        }
    }

    @Test(arguments: 0..<3)
    func sixteenClientsAreLinearizable(round: Int) async {
        let storage = MemoryStorage()
        let history = await StorageHammer.history(
            of: storage, key: ByteBuffer(string: "n"), clients: 16, operations: 25)
        #expect(history.isLinearizable)
    }

    @Test func theCheckerFindsALostUpdate() async {
        let recorder = History<StorageHammer.Operation>.Recorder()
        await recorder.record { .increment(by: 1, answer: 1) }
        await recorder.record { .increment(by: 1, answer: 1) }
        #expect(!recorder.history.isLinearizable)
    }

    /// Beside key and value, with an expiry; and no more of it when keys are set again.
    @Test func aKeyTakesLittle() throws {
        let process = try StorageProcess("--memory")
        defer { process.end() }
        let rounds = (0..<4).compactMap { _ in process.line().flatMap { Int($0) } }
        #expect(rounds.count == 4)
        #expect(rounds.allSatisfy { $0 <= 150 }, "\(rounds)")
        #expect((rounds.last ?? 0) - (rounds.first ?? 0) <= 20, "\(rounds)")
    }

    @Test func aClosedStorageFails() async {
        let storage = MemoryStorage()
        storage.startSweeping()
        await storage.close()
        #expect(await storage.ask(.clear) == .failed(.closed))
    }
}
