import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolStartTests {
    @Test func allWorkersAreStartedAtOnce() {
        let bench = PoolBench(.init(numWorkers: 4))
        let actions = bench.start()
        #expect(actions.count == 4)
        #expect(Set(actions.map(\.id)).count == 4)
        #expect(actions.allSatisfy { $0.delay == .zero })
        #expect(bench.machine.processes.count == 0, "nothing runs before it is launched")
    }

    @Test func theLastHandshakeMakesThePoolReadyOnce() {
        let bench = PoolBench(.init(numWorkers: 3))
        let ids = bench.start().map(\.id)
        #expect(bench.machine.phase == .starting)
        #expect(!bench.bringUp(ids[2]).poolIsReady)
        #expect(!bench.bringUp(ids[0]).poolIsReady)
        #expect(bench.machine.ready == 2)
        #expect(bench.bringUp(ids[1]).poolIsReady)
        #expect(bench.machine.phase == .running)
        #expect(bench.machine.ready == 3)
        let next = bench.failed(ids[0]).start
        #expect(next.map { bench.bringUp($0.id).poolIsReady } == false)
    }

    @Test func aStartIsLaunchedOnceAndOnlyWhileItIsWanted() {
        let bench = PoolBench(.init(numWorkers: 1))
        let id = bench.start()[0].id
        #expect(bench.machine.processes.count == 0)
        #expect(bench.launch(id))
        #expect(!bench.launch(id))
        #expect(bench.machine.processes.count == 1)
        #expect(!bench.launch(WorkerID(place: id.place, generation: id.generation + 1)))
        #expect(!bench.launch(WorkerID(place: 9, generation: 1)))
        bench.ready(id)
        #expect(!bench.launch(id))
        #expect(bench.machine.processes.count == 1)
    }

    @Test func aHandshakeWithoutALaunchIsTooLate() {
        let bench = PoolBench(.init(numWorkers: 1))
        let id = bench.start()[0].id
        #expect(bench.ready(id).action.isStopped)
        #expect(bench.bringUp(id).action.isIdle)
        #expect(bench.ready(id).action.isStopped, "twice")
    }

    @Test func whatIsSubmittedWhileStartingIsServedInOrder() {
        let bench = PoolBench(.init(numWorkers: 2))
        let ids = bench.start().map(\.id)
        #expect(bench.submit(1).waits)
        #expect(bench.submit(2, isClose: true).waits)
        #expect(bench.submit(3).waits)
        #expect(bench.bringUp(ids[1]).action.served == 1)
        let last = bench.bringUp(ids[0])
        #expect(last.action.served == 2)
        #expect(last.poolIsReady)
        #expect(bench.machine.waiting == 1)
        #expect(bench.machine.running == 2)
    }

    @Test func aWorkerThatCannotStartFailsThePool() {
        let bench = PoolBench(.init(numWorkers: 3))
        let ids = bench.start().map(\.id)
        bench.bringUp(ids[0])
        _ = bench.launch(ids[1])
        _ = bench.launch(ids[2])
        #expect(bench.failed(ids[1]).startFailed)
        let close = bench.close()
        #expect(close.stop == [ids[0]])
        #expect(close.kill == [ids[2]])
        #expect(!close.isClosed)
        #expect(!bench.failed(ids[2]).startFailed, "it was given up")
        #expect(!bench.reaped())
        #expect(!bench.reaped())
        #expect(bench.reaped())
        #expect(bench.machine.phase == .closed)
    }

    @Test func aReadyWorkerThatEndsDuringTheStartIsReplaced() throws {
        let bench = PoolBench(.init(numWorkers: 2))
        let ids = bench.start().map(\.id)
        bench.bringUp(ids[0])
        let action = bench.failed(ids[0])
        #expect(!action.startFailed)
        let successor = try #require(action.start)
        #expect(successor.delay == .zero)
        #expect(!bench.bringUp(ids[1]).poolIsReady)
        #expect(bench.bringUp(successor.id).poolIsReady)
    }

    @Test func aFailureAfterTheStartIsNoStartFailure() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let start = try #require(bench.failed(workers[0]).start)
        _ = bench.launch(start.id)
        let again = bench.failed(start.id)
        #expect(!again.startFailed)
        #expect(again.start != nil)
    }
}
