import NIOCore
import Testing

@testable import TCPServer

@Suite struct BacklogTests {
    @Test func anAnswerCountsWholeUntilAllOfItIsTaken() {
        let backlog = Backlog()
        backlog.add(1000)
        backlog.update(unsent: 1000)
        #expect(backlog.bytes == 1000)
        backlog.update(unsent: 1)
        #expect(backlog.bytes == 1000, "its memory is not free before")
        backlog.add(50)
        backlog.update(unsent: 51)
        #expect(backlog.bytes == 1050)
        backlog.update(unsent: 50)
        #expect(backlog.bytes == 50)
        backlog.update(unsent: 0)
        #expect(backlog.bytes == 0)
    }

    @Test func aWriteTimeoutIsNeverShortAndSeesWhatTheSystemTakes() {
        let backlog = Backlog()
        backlog.add(10 << 20)
        func second(unsent: Int, untaken: Int) -> Bool {
            backlog.update(unsent: unsent)
            _ = backlog.check()
            return backlog.hasStalled(for: .seconds(2), untaken: untaken)
        }
        let whole = 10 << 20
        #expect([whole, whole].map { second(unsent: $0, untaken: $0) } == [false, false])
        // The channel can write no more, but the system takes some bytes a second.
        #expect((1...20).allSatisfy { !second(unsent: whole, untaken: whole - $0 * 100) })
        #expect((1...3).map { _ in second(unsent: whole, untaken: whole - 2000) } == [false, false, true])
        // Progress in the same second as a check.
        #expect(!second(unsent: whole - 5000, untaken: whole - 5000))
        backlog.add(100)
        #expect(!second(unsent: whole - 4900, untaken: whole - 4900), "more to take is not less taken")
        #expect(!second(unsent: whole - 4900, untaken: whole - 4901))
    }

    @Test func whoTakesNearlyNothingHasStalled() {
        let backlog = Backlog()
        backlog.add(10 << 20)
        var looks = [backlog.check(), backlog.check()]
        backlog.update(unsent: (10 << 20) - 1000)
        looks.append(backlog.check())
        #expect(looks == [.reading, .reading, .stalled], "a few bytes are no progress")
        backlog.update(unsent: 9 << 20)
        looks = [backlog.check(), backlog.check()]
        // Added bytes do not count as taken.
        backlog.add(1 << 20)
        backlog.update(unsent: 10 << 20)
        looks += [backlog.check(), backlog.check()]
        #expect(looks == [.reading, .reading, .reading, .stalled])
    }

    /// - Returns: The results of `count` checks while a client takes `pace` bytes between two of them.
    private func looks(_ count: Int, at pace: Int, _ backlog: Backlog, unsent: inout Int) -> Set<Backlog.Pace> {
        Set(
            (0..<count).map { _ in
                unsent = max(0, unsent - pace)
                backlog.update(unsent: unsent)
                return backlog.check()
            })
    }

    @Test func anAnswerThatTakesLongIsOverdue() {
        let backlog = Backlog()
        var unsent = 10 << 20
        backlog.add(unsent)
        #expect(self.looks(10, at: 100_000, backlog, unsent: &unsent) == [.reading])
        #expect(self.looks(10, at: 100_000, backlog, unsent: &unsent) == [.overdue])
        // The next one has its own time.
        unsent = 10 << 20
        backlog.add(unsent)
        #expect(self.looks(10, at: 100_000, backlog, unsent: &unsent) == [.reading])
        #expect(self.looks(1, at: 100_000, backlog, unsent: &unsent) == [.overdue])
    }

    @Test func whoHoldsLittleIsNotOverdue() {
        let backlog = Backlog()
        var unsent = 1_000_000
        backlog.add(unsent)
        #expect(self.looks(14, at: 66_000, backlog, unsent: &unsent) == [.reading])
    }
}
