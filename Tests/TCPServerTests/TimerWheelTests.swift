import TestSupport
import Testing

@testable import TCPServer

@Suite struct TimerWheelTests {
    private final class Entry: TimerEntry {
        let number: Int

        init(_ number: Int) {
            self.number = number
        }
    }

    private func numbers(_ entries: [TimerEntry]) -> [Int] {
        entries.compactMap { ($0 as? Entry)?.number }.sorted()
    }

    @Test func whatIsScheduledIsDueAtItsTick() {
        var wheel = TimerWheel(now: 1000)
        let entries = (0..<4).map { Entry($0) }
        for (entry, tick) in zip(entries, [1003, 1003 + 256, 1004, 900] as [UInt64]) {
            wheel.schedule(entry, at: tick)
        }
        #expect(wheel.nextTick == 1001, "nothing is due at once, or before")
        #expect(self.numbers(wheel.advance(to: 1001)) == [3])
        #expect(wheel.nextTick == 1003)
        #expect(self.numbers(wheel.advance(to: 1003)) == [0], "not the one of the next turn")
        wheel.cancel(entries[2])
        wheel.cancel(entries[2])
        #expect(wheel.count == 1)
        #expect(self.numbers(wheel.advance(to: 1258)) == [])
        #expect(self.numbers(wheel.advance(to: 1259)) == [1])
        #expect(wheel.nextTick == nil && wheel.count == 0)
        #expect(self.numbers(wheel.advance(to: 10)) == [], "time does not go back")
    }

    @Test func oneThatIsScheduledAgainIsMoved() {
        var wheel = TimerWheel()
        let entry = Entry(0)
        wheel.schedule(entry, at: 5)
        wheel.schedule(entry, at: 700)
        #expect(wheel.count == 1)
        #expect(self.numbers(wheel.advance(to: 699)) == [])
        #expect(self.numbers(wheel.advance(to: 5000)) == [0])
    }

    @Test func randomWalkAgainstAModel() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var wheel = TimerWheel()
        let entries = (0..<100).map { Entry($0) }
        var due: [Int: UInt64] = [:]
        for _ in 0..<20_000 {
            let entry = entries[random.pick(0...99)]
            switch random.pick(0...3) {
            case 0, 1:
                let tick = wheel.now + UInt64(random.pick(0...1000))
                wheel.schedule(entry, at: tick)
                due[entry.number] = max(tick, wheel.now + 1)
            case 2:
                wheel.cancel(entry)
                due[entry.number] = nil
            default:
                let now = wheel.now + UInt64(random.chance(5) ? random.pick(0...2000) : random.pick(0...3))
                let expected = due.filter { $0.value <= now }.keys.sorted()
                let found = self.numbers(wheel.advance(to: now))
                #expect(found == expected, "seed \(seed)")
                due = due.filter { $0.value > now }
            }
            #expect(wheel.count == due.count, "seed \(seed)")
            if let first = due.values.min() {
                #expect(wheel.nextTick ?? .max <= first, "seed \(seed)")
            } else {
                #expect(wheel.nextTick == nil, "seed \(seed)")
            }
        }
    }
}
