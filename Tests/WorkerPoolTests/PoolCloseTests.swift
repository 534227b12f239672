import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolCloseTests {
    @Test func beforeTheStartItIsClosedAtOnce() {
        let bench = PoolBench(.init(numWorkers: 3))
        #expect(bench.close().isClosed)
        #expect(bench.machine.phase == .closed)
        #expect(bench.start().isEmpty)
    }

    @Test func beforeAnyLaunchItIsClosedAtOnceAndNothingIsLaunched() {
        let bench = PoolBench(.init(numWorkers: 3))
        let ids = bench.start().map(\.id)
        let action = bench.close()
        #expect(action.isClosed)
        #expect(action.kill.isEmpty && action.stop.isEmpty)
        #expect(ids.allSatisfy { !bench.launch($0) })
    }

    @Test func startingWorkersAreKilledIdleOnesStoppedBusyOnesAwaited() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        _ = bench.submit(1)
        let start = try #require(bench.failed(workers[0]).start)
        _ = bench.launch(start.id)
        let action = bench.close()
        #expect(action.kill == [start.id])
        #expect(action.stop == [workers[1]])
        #expect(action.refused.isEmpty)
        #expect(!action.isClosed)
        #expect(bench.machine.running == 1)
        let last = try #require(bench.answered(workers[2]))
        #expect(last.request == 1)
        #expect(last.next.isReplaced)
        #expect(last.next.started == nil)
    }

    @Test func whatWaitsIsRefusedInOrder() {
        let bench = PoolBench.busy().bench
        for request in 1...4 {
            _ = bench.submit(request, isClose: request == 2)
        }
        #expect(bench.close().refused == [1, 2, 3, 4])
        #expect(bench.machine.waiting == 0)
        #expect(bench.fireTimer().expired.isEmpty)
    }

    @Test func itIsClosedWhenTheLastProcessIsReaped() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        _ = bench.close()
        #expect(bench.machine.phase == .closing)
        #expect(!bench.reaped())
        #expect(!bench.reaped())
        #expect(bench.reaped())
        #expect(bench.machine.phase == .closed)
        #expect(bench.machine.processes.count == 0)
        #expect(workers.allSatisfy { bench.machine.isGone($0) })
    }

    @Test func aWorkerThatDiesMeanwhileHasNoSuccessor() {
        let (bench, worker) = PoolBench.busy()
        _ = bench.close()
        let action = bench.failed(worker, written: true)
        #expect(action.start == nil)
        #expect(action.request?.failure == .workerGone(.gone))
    }

    @Test func anUnwrittenRequestIsNotTriedAgain() {
        let (bench, worker) = PoolBench.busy()
        _ = bench.close()
        #expect(bench.failed(worker).request?.failure == .poolClosing)
    }

    @Test func aHandshakeMeanwhileIsTooLate() {
        let bench = PoolBench(.init(numWorkers: 1))
        let id = bench.start()[0].id
        _ = bench.launch(id)
        #expect(bench.close().kill == [id])
        #expect(bench.ready(id).action.isStopped)
    }

    @Test func closingTwiceChangesNothing() {
        let (bench, worker) = PoolBench.busy()
        _ = bench.close()
        let again = bench.close()
        #expect(again.stop.isEmpty && again.kill.isEmpty && again.refused.isEmpty && !again.isClosed)
        bench.answered(worker)
        #expect(bench.reaped())
        #expect(bench.close().isClosed)
    }

    @Test func aWorkerInItsBackoffIsNotStarted() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let start = try #require(bench.failed(workers[0]).start)
        _ = bench.close()
        #expect(!bench.launch(start.id))
        #expect(bench.reaped(), "the dead worker was the last process")
    }

    @Test func nothingStartsAfterwards() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.close()
        #expect(bench.reset().isEmpty)
        #expect(bench.reconfigure(.init(numWorkers: 5)).start.isEmpty)
        #expect(bench.tick().start.isEmpty)
        #expect(bench.failed(workers[0]).start == nil)
    }
}
