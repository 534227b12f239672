import NIOCore
import Testing

@testable import WorkerPool

/// First come first served.
@Suite struct PoolOrderTests {
    @Test func eventsAndClosesAreServedInOneOrder() {
        let (bench, worker) = PoolBench.busy()
        let closes: Set = [2, 3, 6, 9]
        for request in 1...10 {
            #expect(bench.submit(request, isClose: closes.contains(request)).waits)
        }
        let served = (1...10).compactMap { _ in bench.answered(worker)?.next.served }
        #expect(served == Array(1...10))
        #expect(bench.answered(worker)?.next.isIdle == true)
    }

    @Test func theFirstWorkerThatFreesItselfServesTheFirstThatWaits() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2), loops: 2)
        _ = bench.submit(1)
        _ = bench.submit(2)
        _ = bench.submit(3, loop: 1)
        _ = bench.submit(4, loop: 0)
        #expect(bench.answered(workers[0])?.next.served == 3, "across loops")
        #expect(bench.answered(workers[1])?.next.served == 4)
    }

    @Test func anAnswerIsForTheRequestThatTheWorkerHas() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1)
        _ = bench.submit(2)
        #expect(bench.answered(workers[0])?.request == 2)
        #expect(bench.answered(workers[1])?.request == 1)
        #expect(bench.answered(workers[1]) == nil, "a lease ends once")
    }

    @Test(arguments: [false, true])
    func aRetriedRequestGoesBeforeThoseThatCameLater(isClose: Bool) throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1, isClose: isClose)
        _ = bench.submit(2, isClose: isClose)
        for request in 3...6 {
            _ = bench.submit(request, isClose: request % 2 == 0)
        }
        // Request 1 is with the second worker, 2 with the first.
        let refusal = try #require(bench.refused(workers[0]))
        #expect(refusal.retry.waits)
        let failure = bench.failed(workers[1])
        #expect(failure.request?.waits == true)
        #expect(bench.machine.waiting == 6)
        let successors = try [#require(refusal.start.first), #require(failure.start)]
        var served = successors.compactMap { bench.bringUp($0.id).action.served }
        served += (3...6).compactMap { _ in bench.answered(successors[0].id)?.next.served }
        #expect(served == Array(1...6))
    }

    @Test func aRetriedRequestTakesAFreeWorkerAtOnce() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1)
        #expect(bench.failed(workers[1]).request?.leased == workers[0])
        #expect(bench.machine.running == 1)
        #expect(bench.answered(workers[0])?.request == 1)
    }
}
