import Testing

@testable import Locks

@Suite struct LockTableTests {
    /// A table with a clock, and the names of what has waited.
    final class Fixture {
        var table: LockTable
        var now: Int64 = 1000
        var names: [ClaimNumber: String] = [:]

        init(mostBytes: Int = 1 << 20) {
            self.table = LockTable(mostBytes: mostBytes)
        }

        /// - Returns: `true`, `false`, or `nil` when it waits.
        @discardableResult
        func lock(_ owner: String, _ mode: LockMode = .exclusive, ttl: Int64 = 100, wait: Int64 = 0) -> Bool? {
            switch self.table.lock("r", mode, owner: owner, ttl: ttl, wait: wait, at: self.now) {
            case .answered(let isGranted): return isGranted
            case .refused: return false
            case .waits(let number):
                self.names[number] = owner
                return nil
            }
        }

        @discardableResult
        func release(_ owner: String) -> Bool {
            self.table.release("r", owner: owner, at: self.now)
        }

        func setTTL(_ owner: String, _ ttl: Int64) -> Bool {
            self.table.setTTL("r", owner: owner, ttl: ttl, at: self.now)
        }

        func releaseAll() -> Bool {
            self.table.releaseAll("r", at: self.now)
        }

        func holds(_ owner: String?) -> Bool {
            self.table.isLocked("r", owner: owner, at: self.now)
        }

        func pass(_ duration: Int64) {
            self.now += duration
            self.table.advance(to: self.now)
        }

        func abandon(_ owner: String) {
            for (number, name) in self.names where name == owner {
                self.table.abandon(number, at: self.now)
            }
        }

        func answers() -> [String] {
            self.table.takeAnswers().map { "\(self.names[$0.number] ?? "?")=\($0.isGranted)" }
        }
    }

    @Test func aWriterIsAlone() {
        let locks = Fixture()
        #expect(locks.lock("a") == true)
        #expect(locks.lock("b") == false)
        #expect(locks.lock("b", .shared) == false)
        // Not even for its own owner.
        #expect(locks.lock("a") == false)
        #expect(locks.lock("a", .shared) == false)
        #expect(locks.release("b") == false)
        #expect(locks.release("a"))
        #expect(locks.release("a") == false)
        #expect(locks.table.resourceCount == 0)
    }

    @Test func readersShare() {
        let locks = Fixture()
        #expect(locks.lock("a", .shared) == true)
        #expect(locks.lock("b", .shared) == true)
        #expect(locks.lock("c") == false)
        #expect(locks.holds("a") && locks.holds("b") && locks.holds(nil) && !locks.holds("c"))
        #expect(locks.release("a") && locks.release("b"))
        #expect(!locks.holds(nil))
        #expect(locks.table.resourceCount == 0)
    }

    @Test func theNextIsServedInOrder() {
        let locks = Fixture()
        locks.lock("a")
        #expect(locks.lock("b", wait: 50) == nil)
        #expect(locks.lock("c", wait: 50) == nil)
        locks.release("a")
        #expect(locks.answers() == ["b=true"])
        locks.release("b")
        #expect(locks.answers() == ["c=true"])
        #expect(locks.holds("c"))
    }

    @Test func readersThatKeepComingDoNotStarveAWriter() {
        let locks = Fixture()
        locks.lock("a", .shared)
        #expect(locks.lock("w", wait: 50) == nil)
        #expect(locks.lock("b", .shared) == false)
        #expect(locks.lock("c", .shared, wait: 50) == nil)
        #expect(locks.lock("d", .shared, wait: 50) == nil)
        locks.release("a")
        #expect(locks.answers() == ["w=true"])
        locks.release("w")
        #expect(locks.answers() == ["c=true", "d=true"])
    }

    @Test func aWriterThatLeavesLetsReadersPass() {
        let locks = Fixture()
        locks.lock("a", .shared)
        locks.lock("w", wait: 10)
        locks.lock("b", .shared, wait: 50)
        locks.pass(10)
        #expect(locks.answers() == ["w=false", "b=true"])
        locks.lock("x", wait: 50)
        locks.lock("c", .shared, wait: 50)
        locks.abandon("x")
        #expect(locks.answers() == ["c=true"])
        #expect(locks.holds("a") && locks.holds("b") && locks.holds("c"))
    }

    @Test func theOnlyReaderIsPromoted() {
        let locks = Fixture()
        locks.lock("a", .shared)
        #expect(locks.lock("a") == true)
        #expect(locks.lock("b", .shared) == false)
        #expect(locks.table.counts.held == 1)
        #expect(locks.release("a"))
        #expect(locks.table.resourceCount == 0)
    }

    @Test func promotionWaitsForOtherReadersAndPassesThoseThatWaitForItsOwner() {
        let locks = Fixture()
        locks.lock("a", .shared)
        locks.lock("b", .shared)
        #expect(locks.lock("w", wait: 50) == nil)
        #expect(locks.lock("a", wait: 50) == nil)
        locks.release("b")
        #expect(locks.answers() == ["a=true"])
        locks.release("a")
        #expect(locks.answers() == ["w=true"])
    }

    @Test func aSecondSharedLockOfAnOwnerIsTheFirstOneForLonger() {
        let locks = Fixture()
        locks.lock("a", .shared, ttl: 10)
        #expect(locks.lock("a", .shared, ttl: 20) == true)
        #expect(locks.lock("a", .shared, ttl: 5) == true)
        #expect(locks.table.counts.held == 1)
        locks.pass(19)
        #expect(locks.holds("a"))
        #expect(locks.release("a"))
        #expect(!locks.holds(nil))
        #expect(locks.table.resourceCount == 0)
    }

    @Test func aLockEndsWithItsTime() {
        let locks = Fixture()
        locks.lock("a", ttl: 10)
        locks.lock("b", ttl: 10, wait: 10)
        locks.pass(9)
        #expect(locks.holds("a"))
        locks.pass(1)
        // The wait is over at the same moment.
        #expect(locks.answers() == ["b=true"])
        locks.pass(10)
        #expect(!locks.holds(nil))
        #expect(locks.table.counts == LockCounts(held: 0, waiting: 0, expired: 2, timedOut: 0, refused: 0))
        #expect(locks.table.nextMoment == nil)
    }

    @Test func whatIsOverIsOverInTheOrderOfTime() {
        let locks = Fixture()
        locks.lock("a", ttl: 10)
        locks.lock("b", wait: 5)
        locks.lock("c", ttl: 7, wait: 20)
        locks.now += 1000
        #expect(locks.holds("c"))
        #expect(locks.answers() == ["b=false", "c=true"])
        // From the moment that its owner is told.
        locks.pass(6)
        #expect(locks.holds("c"))
        locks.pass(1)
        #expect(!locks.holds("c"))
    }

    @Test func aNewTimeCountsFromNow() {
        let locks = Fixture()
        #expect(!locks.setTTL("a", 5))
        locks.lock("a", ttl: 10)
        locks.pass(5)
        #expect(locks.setTTL("a", 10))
        #expect(!locks.setTTL("b", 10))
        locks.pass(9)
        #expect(locks.holds("a"))
        #expect(locks.setTTL("a", 0))
        locks.pass(LockTable.defaultTTL - 1)
        #expect(locks.holds("a"))
        locks.pass(1)
        #expect(!locks.holds("a"))
    }

    @Test func forceReleasesAll() {
        let locks = Fixture()
        #expect(!locks.releaseAll())
        locks.lock("a", .shared)
        locks.lock("b", .shared)
        locks.lock("w", wait: 50)
        #expect(locks.releaseAll())
        #expect(locks.answers() == ["w=true"])
        #expect(locks.releaseAll())
        #expect(!locks.releaseAll())
    }

    @Test func whoLeavesWaitsNoMore() {
        let locks = Fixture()
        locks.lock("a")
        locks.lock("b", wait: 50)
        locks.lock("c", wait: 50)
        locks.abandon("b")
        locks.abandon("b")
        locks.release("a")
        #expect(locks.answers() == ["c=true"])
        locks.abandon("c")
        #expect(locks.holds("c"))
    }

    @Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max])
    func extremeNumbersDoNotTrap(number: Int64) {
        for now in [0, 1000, .max - 1] as [Int64] {
            let locks = Fixture()
            locks.now = now
            #expect(locks.lock("a", ttl: number) == true)
            locks.lock("b", ttl: number, wait: number)
            _ = locks.setTTL("a", number)
            locks.lock("c", .shared, ttl: number, wait: number)
            locks.table.advance(to: .max)
            // A lock that lasts for ever ends never; all others have.
            #expect(locks.table.counts.waiting == 0)
        }
    }

    @Test func theNumberOfClaimsIsBounded() {
        let locks = Fixture(mostBytes: 3 * (LockTable.costOfClaim + 2))
        #expect(locks.lock("a", ttl: 10) == true)
        #expect(locks.lock("b", wait: 5) == nil)
        #expect(locks.lock("c", wait: 5) == nil)
        #expect(locks.table.lock("s", .exclusive, owner: "a", ttl: 1, wait: 0, at: locks.now) == .refused)
        #expect(locks.table.counts.refused == 1)
        locks.pass(5)
        #expect(locks.table.lock("s", .exclusive, owner: "a", ttl: 1, wait: 0, at: locks.now) == .answered(true))
        #expect(locks.lock("d", wait: 5) == nil)
        locks.release("a")
        #expect(locks.table.lock("t", .exclusive, owner: "a", ttl: 1, wait: 0, at: locks.now) == .answered(true))
        #expect(locks.table.lock("u", .exclusive, owner: "a", ttl: 1, wait: 0, at: locks.now) == .refused)
        #expect(
            locks.table.lock("u", .exclusive, owner: "longer", ttl: 1, wait: 0, at: locks.now + 1000) == .answered(true)
        )
        #expect(locks.table.resourceCount == 1)
    }

    /// One after the other in a list this would take minutes.
    @Test func manyThatWaitAreServedAndLeaveInTime() {
        let locks = Fixture(mostBytes: .max)
        let count = 10_000
        locks.lock("w")
        for index in 0..<count {
            locks.lock("\(index)", .shared, ttl: 100, wait: 1000)
        }
        locks.release("w")
        #expect(locks.answers().count == count)
        #expect(locks.table.counts.held == count)
        for index in 0..<count {
            locks.lock("w\(index)", wait: 1000)
        }
        // The last one first, then every other one, then the rest.
        for number in locks.names.keys.sorted().suffix(count / 4).reversed() + locks.names.keys.sorted() {
            locks.table.abandon(number, at: locks.now)
        }
        #expect(locks.table.counts.waiting == 0)
        locks.pass(100)
        #expect(locks.table.resourceCount == 0)
    }
}
