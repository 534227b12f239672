import Testing

@testable import WorkerProcess

@Suite struct RelayMatcherTests {
    private var matcher = RelayMatcher<Int, String>()

    @Test("A worker that is asked for before it connects") mutating func claimedFirst() {
        #expect(self.matcher.claim(100, for: "a") == nil)
        guard case .handOver("a") = self.matcher.introduced(1, as: 100) else {
            Issue.record("not handed over")
            return
        }
        #expect(self.matcher.abandonAll().isEmpty)
    }

    @Test("A worker that connects before it is asked for") mutating func connectedFirst() {
        guard case .wait = self.matcher.introduced(1, as: 100) else {
            Issue.record("does not wait")
            return
        }
        #expect(self.matcher.claim(101, for: "b") == nil)
        #expect(self.matcher.claim(100, for: "a") == 1)
        #expect(self.matcher.abandonAll() == ["b"])
    }

    @Test("A second connection of the same process is refused, and takes nothing from the first")
    mutating func impostor() {
        _ = self.matcher.introduced(1, as: 100)
        guard case .refuse = self.matcher.introduced(2, as: 100) else {
            Issue.record("not refused")
            return
        }
        self.matcher.closed(2)
        #expect(self.matcher.claim(100, for: "a") == 1)
    }

    @Test("A connection that is gone is nobody's") mutating func closed() {
        _ = self.matcher.introduced(1, as: 100)
        self.matcher.closed(1)
        #expect(self.matcher.claim(100, for: "a") == nil)
        #expect(self.matcher.abandonAll() == ["a"])
    }

    @Test("Who is not waited for any more is not matched") mutating func abandoned() {
        _ = self.matcher.claim(100, for: "a")
        #expect(self.matcher.abandon(100) == "a")
        #expect(self.matcher.abandon(100) == nil)
        guard case .wait = self.matcher.introduced(1, as: 100) else {
            Issue.record("does not wait")
            return
        }
    }
}
