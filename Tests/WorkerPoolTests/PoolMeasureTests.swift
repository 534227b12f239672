import NIOCore
import TestSupport
import Testing

@testable import WorkerPool

@Suite struct PoolMeasureTests {
    private func running(_ configuration: PoolConfiguration = .init(numWorkers: 1)) -> (PoolBench, [WorkerID]) {
        let (bench, workers) = PoolBench.running(configuration, isMeasured: true)
        return (bench, workers)
    }

    @Test func whoIsServedAtOnceWaitedForNothing() {
        let (bench, workers) = self.running()
        _ = bench.submit(1)
        bench.now = bench.now + .milliseconds(3)
        bench.answered(workers[0])
        let measures = bench.machine.measures
        #expect(measures.waits.counts[0] == 1 && measures.waits.count == 1 && measures.waits.sum == 0)
        #expect(measures.workerTimes.count == 1)
        #expect(abs(measures.workerTimes.sum - 0.003) < 1e-9)
    }

    @Test func whoWaitsIsMeasuredFromItsArrivalToItsWorker() {
        let (bench, workers) = self.running()
        _ = bench.submit(1)
        bench.now = bench.now + .milliseconds(1)
        _ = bench.submit(2)
        _ = bench.submit(3, isClose: true)
        bench.now = bench.now + .milliseconds(20)
        bench.answered(workers[0])
        bench.now = bench.now + .milliseconds(10)
        bench.answered(workers[0])
        let measures = bench.machine.measures
        #expect(measures.waits.count == 3)
        #expect(abs(measures.waits.sum - 0.05) < 1e-9, "20 ms and 30 ms")
        #expect(abs(measures.workerTimes.sum - 0.031) < 1e-9, "21 ms and 10 ms; the third is not answered yet")
    }

    @Test func whoWaitsInVainIsCounted() {
        let (bench, _) = self.running(.init(numWorkers: 1, allocateTimeout: .seconds(2)))
        _ = bench.submit(1)
        _ = bench.submit(2)
        bench.now = bench.now + .seconds(2)
        #expect(bench.fireTimer().expired == [2])
        #expect(bench.machine.measures.waits.count == 2)
        #expect(bench.machine.measures.waits.sum == 2)
    }

    @Test func aRetryWaitsAnew() {
        let (bench, workers) = self.running()
        _ = bench.submit(1)
        bench.now = bench.now + .seconds(3)
        let start = bench.refused(workers[0])?.start.first
        bench.now = bench.now + .seconds(1)
        bench.bringUp(start?.id ?? workers[0])
        #expect(bench.machine.measures.waits.count == 2)
        #expect(bench.machine.measures.waits.sum == 1)
    }

    @Test func nothingIsMeasuredUnasked() {
        let (bench, worker) = PoolBench.busy()
        _ = bench.submit(1)
        bench.now = bench.now + .seconds(1)
        bench.answered(worker)
        #expect(bench.machine.measures.waits.count == 0)
        #expect(bench.machine.measures.workerTimes.count == 0)
    }

    // MARK: Restarts

    @Test func everyReplacementIsCountedOnceWithItsReason() {
        let (bench, workers) = self.running(.init(numWorkers: 1, maxJobs: 1))
        _ = bench.submit(1)
        let second = bench.answered(workers[0])?.successor
        #expect(bench.machine.measures.restarts.isEmpty, "its successor is not ready")
        let id = second?.id ?? workers[0]
        bench.bringUp(id)
        #expect(bench.machine.measures.restarts == [.maxJobs: 1])
        let third = bench.failed(id).start
        #expect(bench.machine.measures.restarts == [.maxJobs: 1, .exit: 1])
        _ = bench.launch(third?.id ?? workers[0])
        bench.failed(third?.id ?? workers[0], WorkerFailure(.start, "no"))
        #expect(bench.machine.measures.restarts == [.maxJobs: 1, .exit: 1, .start: 1])
        bench.failed(third?.id ?? workers[0])
        #expect(bench.machine.measures.restarts == [.maxJobs: 1, .exit: 1, .start: 1], "of an old worker")
    }

    @Test(arguments: [false, true])
    func aResetIsCountedWhenTheSuccessorTakesOver(isBusy: Bool) {
        let (bench, workers) = self.running()
        if isBusy {
            _ = bench.submit(1)
        }
        let start = bench.reset()
        #expect(bench.machine.measures.restarts.isEmpty)
        bench.bringUp(start[0].id)
        if isBusy {
            bench.answered(workers[0])
        }
        #expect(bench.machine.measures.restarts == [.reset: 1])
    }

    @Test func theEndIsNoRestart() {
        let (bench, workers) = self.running()
        _ = bench.submit(1)
        _ = bench.close()
        bench.answered(workers[0])
        #expect(bench.machine.measures.restarts.isEmpty)
    }

    // MARK: Availability

    @Test func aPlannedReplacementOfTheOnlyWorkerIsNoOutage() {
        let (bench, workers) = self.running(.init(numWorkers: 1))
        _ = bench.submit(1)
        let start = bench.refused(workers[0])?.start.first
        #expect(bench.machine.ready == 0)
        #expect(bench.machine.isAvailable)
        #expect(bench.machine.unavailableSince == nil)
        let id = start?.id ?? workers[0]
        _ = bench.launch(id)
        #expect(bench.machine.isAvailable)
        bench.now = bench.now + .seconds(1)
        bench.failed(id, WorkerFailure(.start, "no"))
        #expect(bench.machine.unavailableSince == bench.now, "it could not be started")
    }

    @Test func theLossOfAllWorkersIsKnownFromItsFirstMoment() {
        let (bench, workers) = self.running(.init(numWorkers: 2))
        bench.failed(workers[0])
        #expect(bench.machine.unavailableSince == nil, "there is another")
        let lost = bench.now
        let first = bench.failed(workers[1]).start
        bench.now = bench.now + .seconds(5)
        _ = bench.launch(first?.id ?? workers[0])
        let second = bench.failed(first?.id ?? workers[0], WorkerFailure(.start, "no")).start
        #expect(bench.machine.unavailableSince == lost)
        bench.bringUp(second?.id ?? workers[0])
        #expect(bench.machine.unavailableSince == nil)
    }

    @Test func aPoolThatKeepsNoWorkersIsAlwaysAvailable() {
        let (bench, _) = self.running(.init(numWorkers: 0, maxJobs: 1))
        #expect(bench.machine.isAvailable)
    }
}

@Suite struct TimeHistogramTests {
    @Test func aBoundBelongsToItsBucket() {
        var histogram = TimeHistogram()
        histogram.record(.microseconds(50))
        histogram.record(.nanoseconds(50_001))
        histogram.record(.seconds(10))
        histogram.record(.nanoseconds(10_000_000_001))
        #expect(histogram.counts.first == 1)
        #expect(histogram.counts[1] == 1)
        #expect(Array(histogram.counts.suffix(2)) == [1, 1])
        #expect(histogram.count == 4)
        #expect(abs(histogram.sum - 20.000_100_002) < 1e-9)
    }

    @Test func everyTimeIsInTheFirstBucketThatHoldsIt() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let largest = Int64(1) << Int64.random(in: 0...36, using: &generator)
            let time = TimeAmount.nanoseconds(Int64.random(in: 0...largest, using: &generator))
            var histogram = TimeHistogram()
            histogram.record(time)
            let seconds = Double(time.nanoseconds) * 1e-9
            let expected = TimeHistogram.upperBounds.firstIndex { seconds <= $0 } ?? TimeHistogram.upperBounds.count
            #expect(histogram.counts[expected] == 1)
        }
    }

    @Test func theExtremesDoNotTrap() {
        var histogram = TimeHistogram()
        histogram.record(.nanoseconds(.max))
        histogram.record(.nanoseconds(.max))
        histogram.record(.nanoseconds(.min))
        #expect(histogram.count == 3 && histogram.counts[0] == 1)
    }
}
