import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolSubmitTests {
    @Test func aFreeWorkerIsLeasedAtOnce() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        #expect(bench.submit(1).leased == workers[0])
        #expect(bench.machine.running == 1)
        #expect(bench.machine.waiting == 0)
        #expect(bench.machine.ready == 1, "busy counts as ready")
    }

    @Test func theLastFreedWorkerIsFirst() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        let leased = (1...3).compactMap { bench.submit($0).leased }
        #expect(leased == workers.reversed())
        bench.answered(workers[1])
        bench.answered(workers[0])
        #expect(bench.submit(4).leased == workers[0])
        #expect(bench.submit(5).leased == workers[1])
    }

    @Test func aWorkerOnTheSameLoopIsPreferred() {
        // Places 0, 2 on loop 0; 1, 3 on loop 1.
        let (bench, workers) = PoolBench.running(.init(numWorkers: 4), loops: 2)
        #expect(bench.submit(1, loop: 0).leased == workers[2])
        #expect(bench.submit(2, loop: 0).leased == workers[0])
        #expect(bench.submit(3, loop: 0).leased == workers[3], "then another loop's")
        bench.answered(workers[0])
        #expect(bench.submit(4, loop: 1).leased == workers[1])
        #expect(bench.submit(5, loop: 1).leased == workers[0])
    }

    @Test func withoutAFreeWorkerItWaits() {
        let bench = PoolBench.busy(.init(numWorkers: 1, allocateTimeout: .seconds(3))).bench
        let action = bench.submit(1)
        #expect(action.waits)
        #expect(action.timer == bench.now + .seconds(3))
        #expect(action.started.isEmpty)
        #expect(bench.machine.waiting == 1)
    }

    @Test func theQueueLimitCountsRunningAndWaiting() {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxQueueSize: 3))
        #expect(bench.submit(1).waits)
        #expect(bench.submit(2).waits)
        #expect(bench.submit(3).failure == .queueFull)
        #expect(bench.machine.waiting == 2)
        #expect(bench.answered(worker)?.next.served == 1)
        #expect(bench.submit(4).waits)
        #expect(bench.submit(5).failure == .queueFull)
    }

    @Test func theQueueLimitHoldsForAFreeWorkerToo() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2, maxQueueSize: 1))
        #expect(bench.submit(1).leased == workers[1])
        #expect(bench.submit(2).failure == .queueFull)
    }

    @Test func aCloseIsNeverRefusedByTheQueueLimit() {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxQueueSize: 1))
        for request in 1...5 {
            let action = bench.submit(request, isClose: true)
            #expect(action.waits)
            #expect(action.timer == nil, "it does not time out")
        }
        #expect(bench.submit(6).failure == .queueFull, "closes count")
        #expect(bench.answered(worker)?.next.served == 1)
    }

    @Test func withoutALimitNothingIsRefused() {
        let bench = PoolBench.busy().bench
        for request in 1...1000 {
            #expect(bench.submit(request).waits)
        }
        #expect(bench.machine.waiting == 1000)
    }

    @Test(arguments: [false, true])
    func aPoolThatIsClosingRefuses(isClose: Bool) {
        let (bench, worker) = PoolBench.busy()
        _ = bench.close()
        #expect(bench.submit(1, isClose: isClose).failure == .poolClosing)
        bench.answered(worker)
        #expect(bench.reaped())
        #expect(bench.submit(2, isClose: isClose).failure == .poolClosing)
    }
}
