import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolFailureTests {
    @Test func anIdleWorkerIsReplacedAtOnceAndNotLeasedAgain() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        let action = bench.failed(workers[1])
        #expect(action.request == nil)
        let start = try #require(action.start)
        #expect(start.delay == .zero)
        #expect(start.id.place == workers[1].place)
        #expect(start.id != workers[1])
        #expect(bench.machine.ready == 1)
        #expect(bench.submit(1).leased == workers[0])
        #expect(bench.submit(2).waits)
        #expect(bench.bringUp(start.id).action.served == 2)
    }

    @Test func aRequestThatMayHaveBeenSeenFails() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1)
        let action = bench.failed(workers[1], written: true)
        #expect(action.request?.failure == .workerGone(.gone))
        #expect(action.start != nil)
        #expect(bench.machine.running == 0)
        #expect(bench.submit(2).leased == workers[0], "the other one is still free")
    }

    @Test func aRequestThatWasNeverWrittenIsTriedOnAnotherWorker() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1)
        let action = bench.failed(workers[1], written: false)
        #expect(action.request?.leased == workers[0])
        #expect(bench.machine.running == 1)
    }

    @Test func withoutAnotherWorkerItWaits() throws {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, allocateTimeout: .seconds(1)))
        let action = bench.failed(worker)
        #expect(action.request?.timer == bench.now + .seconds(1))
        let start = try #require(action.start)
        #expect(bench.bringUp(start.id).action.served == 0)
    }

    @Test func staleAndUnknownIdsAreIgnored() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        for id in [
            WorkerID(place: 0, generation: 0), WorkerID(place: 0, generation: 2), WorkerID(place: 1, generation: 1),
            WorkerID(place: -1, generation: 1),
        ] {
            let action = bench.failed(id)
            #expect(action.request == nil && action.start == nil && !action.startFailed)
        }
        #expect(bench.submit(1).leased == workers[0])
    }

    @Test func aWorkerThatWaitsForItsStartCannotFail() throws {
        let (bench, worker) = PoolBench.busy()
        let start = try #require(bench.failed(worker, written: true).start)
        let action = bench.failed(start.id)
        #expect(action.start == nil)
        #expect(bench.launch(start.id), "its start is still wanted")
    }

    @Test func theDeadDoNotFreeAPlaceTwice() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let first = try #require(bench.failed(workers[0]).start)
        #expect(bench.failed(workers[0]).start == nil)
        #expect(bench.ready(workers[0]).action.isStopped)
        #expect(!bench.launch(workers[0]))
        #expect(bench.bringUp(first.id).action.isIdle)
        #expect(bench.machine.ready == 1)
    }

    @Test func processesAreThoseLaunchedAndNotReaped() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        #expect(bench.machine.processes.count == 2)
        let start = try #require(bench.failed(workers[0]).start)
        #expect(bench.machine.processes.count == 2, "the dead one is not reaped yet")
        bench.bringUp(start.id)
        #expect(bench.machine.processes.count == 3)
        #expect(!bench.reaped())
        #expect(bench.machine.processes.count == 2)
    }
}
