import Addresses
import TestSupport
import Testing

@testable import TCPServer

private let second: UInt64 = 1_000_000_000

@Suite struct RateBucketTests {
    @Test func aBurstThenTheRate() {
        let rate = Rate(10, in: second, burst: 3)
        var bucket = RateBucket()
        var now = 100 * second
        for left in (0..<3).reversed() {
            #expect(bucket.delay(rate, at: now) == 0)
            bucket.take(rate, at: now)
            #expect(bucket.room(rate, at: now) == left)
        }
        #expect(bucket.delay(rate, at: now) == second / 10)
        now += second / 10 - 1
        #expect(bucket.room(rate, at: now) == 0 && bucket.delay(rate, at: now) == 1)
        now += 1
        #expect(bucket.room(rate, at: now) == 1)
        bucket.take(rate, at: now)
        #expect(bucket.room(rate, at: now) == 0)
        #expect(bucket.room(rate, at: now + 1000 * second) == 3, "it holds no more than a burst")
    }

    @Test func whatIsTakenBeyondTheRoomIsNoDebtForLong() {
        let rate = Rate(1, in: second, burst: 2)
        var bucket = RateBucket()
        for _ in 0..<1000 {
            bucket.take(rate, at: second)
        }
        #expect(bucket.delay(rate, at: second) == second)
        #expect(bucket.room(rate, at: 3 * second) == 2)
    }

    @Test func aReloadMayMakeItSmaller() {
        var bucket = RateBucket()
        let (large, small) = (Rate(1, in: 3600 * second, burst: 1 << 20), Rate(10, in: second, burst: 1))
        for _ in 0..<1000 {
            bucket.take(large, at: second)
        }
        #expect(bucket.delay(small, at: second) == second / 10)
    }

    /// Never more than the burst and the rate, whatever the times are; and no less if all is taken that may be.
    @Test func randomWalk() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<50 {
            let (count, burst) = (random.pick(1...1000), random.pick(1...50))
            let rate = Rate(count, in: second, burst: burst)
            var (bucket, taken, now) = (RateBucket(), 0, second)
            for _ in 0..<500 {
                now += UInt64(random.pick(0...3_000_000))
                while bucket.room(rate, at: now) > 0 {
                    bucket.take(rate, at: now)
                    taken += 1
                }
            }
            let expected = Double(burst) + Double(now - second) * Double(count) / Double(second)
            #expect(Double(taken) <= expected + 1)
            #expect(Double(taken) >= expected * 0.9 - 1 || 3_000_000 * UInt64(count) > second * UInt64(burst))
        }
    }
}

@Suite struct ClientTableTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8::1", "2001:db8::ffff:1", true), ("2001:db8::1", "2001:db8:0:1::1", false),
    ])
    func addressesThatCountAsOne(_ one: String, other: String, areOne: Bool) throws {
        let keys = try [one, other].map { ClientTable.key(of: try #require(IPAddress($0))) }
        #expect((keys[0] == keys[1]) == areOne)
    }

    @Test func bucketsAreBounded() {
        var table = ClientTable()
        let rate = Rate(1, in: 3600 * second, burst: 2)
        for number in 0..<(5 * UInt64(ClientTable.mostBuckets)) {
            table.take(IPAddress(high: number << 16, low: 0), rate, at: second + number)
            #expect(table.bucketCount <= 2 * ClientTable.mostBuckets)
        }
    }

    @Test func bucketsThatAreFullAreForgotten() {
        var table = ClientTable()
        let rate = Rate(10, in: second, burst: 10)
        for number in 0..<1000 as Range<UInt64> {
            table.take(IPAddress(high: number << 16, low: 0), rate, at: second)
        }
        for round in 2...4 as ClosedRange<UInt64> {
            table.take(IPAddress(high: 0, low: 7), rate, at: 2 * round * second)
        }
        #expect(table.bucketCount <= 2)
    }

    @Test func randomWalkAgainstAModel() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var table = ClientTable()
        var open: [IPAddress: Int] = [:]
        var buckets: [IPAddress: RateBucket] = [:]
        let rate = Rate(5, in: second, burst: 4)
        var now = second
        for _ in 0..<20_000 {
            now += UInt64(random.pick(0...20_000_000))
            let key = IPAddress(high: UInt64(random.pick(0...20)), low: 0)
            if random.chance(40), let count = open[key] {
                table.closed(key)
                open[key] = count > 1 ? count - 1 : nil
            } else {
                let hasRoom = table.room(key, rate, at: now) > 0
                #expect(hasRoom == (buckets[key, default: RateBucket()].room(rate, at: now) > 0), "seed \(seed)")
                if hasRoom {
                    table.take(key, rate, at: now)
                    buckets[key, default: RateBucket()].take(rate, at: now)
                }
                table.opened(key)
                open[key, default: 0] += 1
            }
            #expect(table.openCount(key) == open[key, default: 0], "seed \(seed)")
            #expect(table.openAddresses == open.count, "seed \(seed)")
        }
    }
}

@Suite struct AdmissionTests {
    private var admission = Admission()
    private var limits = AdmissionLimits()
    private let client = IPAddress("192.0.2.1")
    private let other = IPAddress("198.51.100.1")

    private mutating func enter(_ peer: IPAddress?, at now: UInt64 = second) -> Admission.Verdict {
        self.admission.enter(peer, isClient: true, self.limits, at: now)
    }

    @Test func emptyLimitsLimitNothing() throws {
        #expect(self.limits.isEmpty)
        var limits = self.limits
        limits.isDryRun = true
        limits.closesBeyond = true
        #expect(limits.isEmpty)
        limits.deny = [try AddressBlock("::/0")]
        #expect(!limits.isEmpty)
    }

    @Test mutating func listsDenyFirst() throws {
        self.limits.allow = [try AddressBlock("192.0.2.0/24")]
        #expect(self.enter(self.client) == .admitted(despite: nil))
        #expect(self.enter(self.other) == .refused(.denied))
        self.limits.deny = [try AddressBlock("192.0.2.1")]
        #expect(self.enter(self.client) == .refused(.denied))
        #expect(self.enter(nil) == .admitted(despite: nil), "a client of a unix socket has no address")
        #expect(self.admission.open == 2)
    }

    @Test mutating func connectionsBeyondTheLimitAreClosedOrWait() {
        self.limits.connections = 2
        #expect(self.admission.room(self.limits, at: second) == 2)
        _ = self.enter(self.client)
        #expect(self.admission.wait(self.limits, at: second) == nil)
        _ = self.enter(self.other)
        #expect(self.admission.wait(self.limits, at: second)?.refusal == .maxConnections)
        self.limits.closesBeyond = true
        #expect(self.admission.wait(self.limits, at: second) == nil)
        #expect(self.admission.room(self.limits, at: second) == .max)
        #expect(self.enter(self.client) == .refused(.maxConnections))
        self.admission.leave(self.other)
        #expect(self.enter(self.client) == .admitted(despite: nil))
    }

    @Test mutating func anAddressHasSoManyConnections() {
        self.limits.connectionsPerClient = 1
        #expect(self.enter(self.client) == .admitted(despite: nil))
        #expect(self.enter(self.client) == .refused(.maxConnectionsPerIP))
        #expect(self.enter(self.other) == .admitted(despite: nil))
        self.admission.leave(self.client)
        #expect(self.enter(self.client) == .admitted(despite: nil))
    }

    @Test mutating func anAddressHasARate() {
        self.limits.acceptsPerClient = Rate(2, in: second, burst: 2)
        for _ in 0..<2 {
            #expect(self.enter(self.client) == .admitted(despite: nil))
        }
        for _ in 0..<100 {
            #expect(self.enter(self.client) == .refused(.acceptRatePerIP))
        }
        #expect(self.enter(self.client, at: second + second / 2) == .admitted(despite: nil), "refusals take nothing")
        #expect(self.enter(self.other) == .admitted(despite: nil))
    }

    @Test mutating func theRateOfAllWaits() {
        self.limits.accepts = Rate(10, in: second, burst: 1)
        self.limits.connectionsPerClient = 1
        #expect(self.admission.room(self.limits, at: second) == 1)
        #expect(self.enter(self.client) == .admitted(despite: nil))
        #expect(self.admission.wait(self.limits, at: second)?.refusal == .acceptRate)
        #expect(self.admission.wait(self.limits, at: second)?.nanoseconds == second / 10)
        let later = second + second / 10
        #expect(self.enter(self.client, at: later) == .refused(.maxConnectionsPerIP))
        #expect(self.admission.wait(self.limits, at: later) == nil, "a refused one takes nothing from the others")
        self.limits.accepts = Rate(1, in: 3600 * second, burst: 1)
        #expect(self.enter(self.other, at: later) == .admitted(despite: nil))
        let wait = self.admission.wait(self.limits, at: later)?.nanoseconds
        #expect(wait == second, "a reload may raise the rate")
    }

    @Test mutating func aDryRunOnlySays() throws {
        self.limits.isDryRun = true
        self.limits.deny = [try AddressBlock("192.0.2.1")]
        self.limits.connections = 2
        self.limits.connectionsPerClient = 1
        self.limits.accepts = Rate(10, in: second, burst: 3)
        #expect(self.enter(self.client) == .admitted(despite: .denied))
        #expect(self.enter(self.other) == .admitted(despite: nil))
        #expect(self.enter(self.other) == .admitted(despite: .maxConnections))
        #expect(self.admission.wait(self.limits, at: second) == nil)
        #expect(self.admission.room(self.limits, at: second) == .max)
        self.limits.connections = nil
        #expect(self.enter(self.other) == .admitted(despite: .maxConnectionsPerIP))
        self.limits.connectionsPerClient = nil
        #expect(self.enter(self.other) == .admitted(despite: .acceptRate))
    }

    @Test mutating func aPeerMayNameItsClient() throws {
        self.limits.deny = [try AddressBlock("203.0.113.0/24")]
        self.limits.connectionsPerClient = 1
        for _ in 0..<3 {
            let verdict = self.admission.enter(self.other, isClient: false, self.limits, at: second)
            #expect(verdict == .admitted(despite: nil), "a balancer has many connections")
        }
        let client = try #require(self.client)
        #expect(self.admission.identify(client, self.limits, at: second) == .admitted(despite: nil))
        #expect(self.admission.identify(client, self.limits, at: second) == .refused(.maxConnectionsPerIP))
        let denied = try #require(IPAddress("203.0.113.7"))
        #expect(self.admission.identify(denied, self.limits, at: second) == .refused(.denied))
        self.admission.leave(nil)
        self.admission.leave(nil)
        self.admission.leave(client)
        #expect(self.admission.open == 0)
        let peer = self.admission.enter(denied, isClient: false, self.limits, at: second)
        #expect(peer == .refused(.denied), "the peer is looked at, too")
    }

    @Test func anEpisodeHasABeginningAndAnEnd() {
        var episode = RefusalEpisode()
        #expect(episode.refused() == true)
        #expect(episode.refused() == false)
        #expect(episode.check() == nil)
        #expect(episode.refused() == false)
        #expect(episode.check() == nil)
        #expect(episode.check() == 3)
        #expect(episode.refused() == true, "the next one")
    }
}
