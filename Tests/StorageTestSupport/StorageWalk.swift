import KeyValue
import NIOCore
import TestSupport

/// Random requests, with every answer compared with the model's: the same test for all drivers.
package struct StorageWalk {
    /// How far expiries lie from now, in milliseconds: none of them near for a driver whose clock the test cannot move.
    package var expiries: [Int64] = [-20, -1, 0, 1, 2, 10, 30, 60, 1000]
    /// How far the clock may move between two requests.
    package var steps: ClosedRange<Int> = 0...15
    package var keys: [[UInt8]] = [
        [0x61], [0x62], [], [0], [0xFF, 0xFE], Array("k".utf8), Array("\u{E9}".utf8), Array("e\u{301}".utf8),
        Array("users:6ba7b810-9dad-41d1-80b4-00c04fd430c8".utf8), [UInt8](repeating: 0x41, count: 700),
        [UInt8](repeating: 0x41, count: 700) + [0],
    ]
    package var values: [[UInt8]] = [
        [], [0], Array("0".utf8), Array("41".utf8), Array("-7".utf8), Array("9223372036854775807".utf8),
        Array("01".utf8),
        Array("s:1:\"v\";".utf8), [UInt8](repeating: 0xC3, count: 5000),
    ]

    package init() {}

    /// - Returns: A description of the first answer that differs.
    package func run(
        _ storage: some Storage, clock: ManualClock, seed: UInt64, requests: Int,
        between: (_ request: Int) async -> Void = { _ in }
    ) async -> String? {
        var random = SeededGenerator(seed: seed)
        var model = ModelStorage()
        for number in 0..<requests {
            let request = self.request(&random, now: clock.now())
            let expected = model.perform(request, at: clock.now())
            let answer = await storage.ask(request)
            guard answer == expected else {
                return "seed \(seed), request \(number) \(request): \(answer) instead of \(expected)"
            }
            clock.advance(by: Int64(random.pick(self.steps)))
            await between(number)
        }
        let count = model.count(at: clock.now())
        guard let items = storage.measures.items, items < count else { return nil }
        return "seed \(seed): \(items) items instead of \(count)"
    }

    private func request(_ random: inout SeededGenerator, now: UnixMilliseconds) -> StorageRequest {
        let count = random.chance(50) ? 1 : random.pick(0...5)
        switch random.pick(0...99) {
        case 0..<10: return .has(self.list(count, &random) { self.key(&$0) })
        case 10..<30: return .get(self.list(count, &random) { self.key(&$0) })
        case 30..<40: return .timeToLive(self.list(count, &random) { self.key(&$0) })
        case 40..<60: return .set(self.items(count, &random, now))
        case 60..<70: return .add(self.items(count, &random, now))
        case 70..<82:
            return .increment(
                self.list(count, &random) {
                    StorageIncrement(key: self.key(&$0), by: self.amount(&$0), expiry: self.expiry(&$0, now))
                })
        case 82..<91:
            return .expire(
                self.list(count, &random) {
                    StorageExpiry(key: self.key(&$0), at: self.expiry(&$0, now) ?? now + self.farthest)
                })
        case 91..<99: return .delete(self.list(count, &random) { self.key(&$0) })
        default: return .clear
        }
    }

    private func items(_ count: Int, _ random: inout SeededGenerator, _ now: UnixMilliseconds) -> [StorageItem] {
        self.list(count, &random) {
            let value = self.values[$0.pick(0...self.values.count - 1)]
            return StorageItem(key: self.key(&$0), value: ByteBuffer(bytes: value), expiry: self.expiry(&$0, now))
        }
    }

    private func list<Element>(
        _ count: Int, _ random: inout SeededGenerator, _ make: (inout SeededGenerator) -> Element
    ) -> [Element] {
        (0..<count).map { _ in make(&random) }
    }

    private var farthest: Int64 { self.expiries.max() ?? 0 }

    private func key(_ random: inout SeededGenerator) -> ByteBuffer {
        ByteBuffer(bytes: self.keys[random.pick(0...self.keys.count - 1)])
    }

    private func amount(_ random: inout SeededGenerator) -> Int64 {
        [1, 1, -1, 0, 5, -100, .max, .min][random.pick(0...7)]
    }

    private func expiry(_ random: inout SeededGenerator, _ now: UnixMilliseconds) -> UnixMilliseconds? {
        random.chance(40) ? nil : now + self.expiries[random.pick(0...self.expiries.count - 1)]
    }
}
