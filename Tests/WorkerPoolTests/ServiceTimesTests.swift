import NIOCore
import TestSupport
import Testing

@testable import WorkerPool

/// How many requests a worker may have, by what workers took lately.
@Suite struct ServiceTimesTests {
    private let wait = TimeAmount.microseconds(500)

    private func depth(_ times: ServiceTimes) -> Int {
        times.depth(wait: self.wait, most: 64)
    }

    @Test(arguments: [
        // Half of one is left on average: 2 and as many as fit into the rest of the wait.
        (time: TimeAmount.microseconds(100), depth: 6), (.microseconds(250), 3), (.microseconds(300), 3),
        (.microseconds(999), 2), (.milliseconds(1), 1), (.milliseconds(5), 1), (.microseconds(10), 51),
        (.microseconds(1), 64), (.nanoseconds(1), 64), (.hours(1000), 1),
    ])
    func constantTimes(time: TimeAmount, depth: Int) {
        var times = ServiceTimes()
        for _ in 0..<1000 {
            times.record(time, count: 1)
        }
        #expect(abs(self.depth(times) - depth) <= 1 && (depth > 1) == (self.depth(times) > 1))
    }

    @Test func aBatchCountsAsItsRequests() {
        var times = ServiceTimes()
        for _ in 0..<100 {
            times.record(.microseconds(800), count: 8)
        }
        #expect((5...6).contains(self.depth(times)))
    }

    @Test(arguments: [1, 5])
    func beforeSixteenAreMeasuredAWorkerHasOne(count: Int) {
        var times = ServiceTimes()
        var measured = 0
        while measured + count < 16 {
            times.record(.microseconds(Int64(count)), count: count)
            measured += count
            #expect(self.depth(times) == 1)
        }
        times.record(.microseconds(Int64(count)), count: count)
        #expect(self.depth(times) > 1)
    }

    @Test func timesOfNoneAreNoReasonForMany() {
        var times = ServiceTimes()
        for _ in 0..<100 {
            times.record(.zero, count: 1)
            times.record(.nanoseconds(-5), count: 1)
        }
        #expect(self.depth(times) == 1)
    }

    /// Whatever is behind one of 50 ms waits for all of it.
    @Test(arguments: [UInt64(1), 2, 3])
    func oneInAHundredThatIsSlowKeepsAllToOne(seed: UInt64) {
        var times = ServiceTimes()
        var random = SeededGenerator(seed: seed)
        var deepest = 1
        for request in 0..<20_000 {
            let isSlow = Int.random(in: 0..<100, using: &random) == 0
            times.record(isSlow ? .milliseconds(50) : .microseconds(100), count: 1)
            if request > 1000 {
                deepest = max(deepest, self.depth(times))
            }
        }
        #expect(deepest == 1)
    }

    @Test func itRecoversFromOneAccident() {
        var times = ServiceTimes()
        for _ in 0..<1000 {
            times.record(.microseconds(10), count: 1)
        }
        #expect(self.depth(times) > 40)
        times.record(.milliseconds(4), count: 1)
        #expect(self.depth(times) == 1)
        var requests = 0
        while self.depth(times) < 8, requests < 10_000 {
            times.record(.microseconds(10), count: 1)
            requests += 1
        }
        #expect((100...600).contains(requests), "\(requests)")
    }

    @Test func itRecoversFromAnAccidentOfAnHour() {
        var times = ServiceTimes()
        for _ in 0..<1000 {
            times.record(.microseconds(10), count: 1)
        }
        times.record(.hours(1), count: 1)
        var requests = 0
        while self.depth(times) == 1, requests < 10_000 {
            times.record(.microseconds(10), count: 1)
            requests += 1
        }
        #expect(requests < 5000, "\(requests)")
    }

    @Test func theExtremesDoNotTrap() {
        var times = ServiceTimes()
        times.record(.nanoseconds(.max), count: 1)
        times.record(.nanoseconds(.min), count: 64)
        times.record(.nanoseconds(1), count: 64)
        for wait in [TimeAmount.zero, .nanoseconds(.max), .nanoseconds(.min)] {
            #expect((1...64).contains(times.depth(wait: wait, most: 64)))
        }
    }
}
