import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolTimerTests {
    private let timeout = TimeAmount.seconds(10)

    private func busy() -> (bench: PoolBench, worker: WorkerID) {
        PoolBench.busy(.init(numWorkers: 1, allocateTimeout: self.timeout))
    }

    @Test func oneTimerIsArmedForTheFirstThatWaits() {
        let (bench, _) = self.busy()
        #expect(bench.submit(1).timer == bench.now + self.timeout)
        bench.now = bench.now + .seconds(1)
        let second = bench.submit(2)
        #expect(second.waits)
        #expect(second.timer == nil)
    }

    @Test func itExpiresThoseWhoseTimeIsOverAndIsArmedForTheNext() {
        let (bench, _) = self.busy()
        let start = bench.now
        for request in 0..<5 {
            bench.now = start + .seconds(Int64(request))
            _ = bench.submit(10 + request)
        }
        bench.now = start + .seconds(12)
        let expiry = bench.fireTimer()
        #expect(expiry.expired == [10, 11, 12])
        #expect(expiry.armTimer == start + .seconds(13))
        bench.now = start + .seconds(14)
        let last = bench.fireTimer()
        #expect(last.expired == [13, 14])
        #expect(last.armTimer == nil)
        #expect(bench.machine.waiting == 0)
    }

    @Test func theVeryMomentIsTooLate() {
        let (bench, _) = self.busy()
        _ = bench.submit(1)
        bench.now = bench.now + self.timeout - .nanoseconds(1)
        let early = bench.fireTimer()
        #expect(early.expired.isEmpty)
        #expect(early.armTimer == bench.now + .nanoseconds(1), "it is armed again")
        bench.now = bench.now + .nanoseconds(1)
        #expect(bench.fireTimer().expired == [1])
    }

    @Test func closesWaitForAsLongAsThePoolLives() {
        let (bench, worker) = self.busy()
        #expect(bench.submit(1, isClose: true).timer == nil)
        _ = bench.submit(2)
        bench.now = bench.now + .hours(100)
        let expiry = bench.fireTimer()
        #expect(expiry.expired == [2])
        #expect(expiry.armTimer == nil)
        #expect(bench.answered(worker)?.next.served == 1)
    }

    @Test func aTimerForWhatWasServedMeanwhileDoesNothing() {
        let (bench, worker) = self.busy()
        _ = bench.submit(1)
        bench.answered(worker)
        bench.now = bench.now + self.timeout
        let expiry = bench.fireTimer()
        #expect(expiry.expired.isEmpty)
        #expect(expiry.armTimer == nil)
        #expect(bench.submit(2).timer == bench.now + self.timeout, "the next one arms anew")
    }

    @Test func aTimerStillArmedForAServedOneIsNotAskedForTwice() {
        let (bench, worker) = self.busy()
        let start = bench.now
        _ = bench.submit(1)
        bench.answered(worker)
        bench.now = start + .seconds(4)
        #expect(bench.submit(2).timer == nil, "the earlier timer looks after it")
        bench.now = start + self.timeout
        #expect(bench.fireTimer().armTimer == start + .seconds(14))
    }

    @Test func aRetriedRequestWaitsAnew() {
        let (bench, worker) = self.busy()
        let start = bench.now
        _ = bench.submit(1)
        bench.now = start + .seconds(2)
        bench.answered(worker)
        // Long after the end of its first wait.
        bench.now = start + .seconds(50)
        bench.refused(worker)
        bench.now = start + .seconds(59)
        #expect(bench.fireTimer().expired.isEmpty)
        bench.now = start + .seconds(60)
        #expect(bench.fireTimer().expired == [1])
    }

    @Test func aRetriedRequestThatNeverWaitedGetsADeadline() {
        let (bench, worker) = self.busy()
        bench.now = bench.now + .seconds(5)
        #expect(bench.refused(worker)?.retry.timer == bench.now + self.timeout)
        bench.now = bench.now + self.timeout
        #expect(bench.fireTimer().expired == [0])
    }

    @Test func aRetriedRequestExpiresNoLaterThanThoseBehindIt() {
        let (bench, worker) = self.busy()
        let start = bench.now
        _ = bench.submit(1)
        bench.now = start + .seconds(9)
        #expect(bench.failed(worker).request?.waits == true)
        bench.now = start + self.timeout
        #expect(bench.fireTimer().expired == [0, 1])
    }

    @Test func aTimerThatWasReplacedIsIgnored() {
        let (bench, _) = self.busy()
        _ = bench.submit(1)
        let expiry = bench.fireTimer(at: bench.now, now: bench.now + .hours(1))
        #expect(expiry.expired.isEmpty && expiry.armTimer == nil)
    }
}
