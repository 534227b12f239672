import Testing

@testable import WorkerProcess

@Suite struct RelayMatcherTests {
    private var matcher = RelayMatcher<Int, String>()

    @Test("A worker that is asked for before it connects") mutating func claimedFirst() {
        self.matcher.claim(100, for: "a", isParked: false)
        #expect(self.matcher.standing(of: 100) == .isAwaited)
        #expect(self.matcher.connected(1, as: 100) == "a")
        #expect(self.matcher.standing(of: 100) == .isTaken)
        #expect(self.matcher.abandonAll().isEmpty)
    }

    @Test("A worker that connects before it is asked for") mutating func connectedFirst() {
        #expect(self.matcher.standing(of: 100) == .isUnknown)
        #expect(self.matcher.connected(1, as: 100) == nil)
        #expect(self.matcher.standing(of: 100) == .isTaken)
        #expect(self.matcher.parked(as: 100) == 1 && self.matcher.parked(as: 101) == nil)
        self.matcher.claim(100, for: "a", isParked: true)
        self.matcher.claim(101, for: "b", isParked: false)
        #expect(self.matcher.standing(of: 100) == .isTaken)
        #expect(self.matcher.abandonAll() == ["b"])
    }

    @Test("A connection that turned out not to be the worker's is awaited still") mutating func refusedLate() {
        _ = self.matcher.connected(1, as: 100)
        self.matcher.closed(1)
        self.matcher.claim(100, for: "a", isParked: false)
        #expect(self.matcher.connected(2, as: 100) == "a")
    }

    @Test("A connection that is gone is nobody's") mutating func closed() {
        _ = self.matcher.connected(1, as: 100)
        self.matcher.closed(1)
        #expect(self.matcher.parked(as: 100) == nil)
        #expect(self.matcher.standing(of: 100) == .isUnknown)
    }

    @Test("With the process ends what waits for it, and what it has") mutating func abandoned() {
        self.matcher.claim(100, for: "a", isParked: false)
        #expect(self.matcher.abandon(100) == ("a", nil))
        #expect(self.matcher.abandon(100) == (nil, nil))
        _ = self.matcher.connected(1, as: 101)
        #expect(self.matcher.abandon(101) == (nil, 1))
        self.matcher.claim(102, for: "b", isParked: false)
        _ = self.matcher.connected(2, as: 102)
        #expect(self.matcher.abandon(102) == (nil, nil))
        #expect([100, 101, 102].allSatisfy { self.matcher.standing(of: $0) == .isUnknown })
    }
}
