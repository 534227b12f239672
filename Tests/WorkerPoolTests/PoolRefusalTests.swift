import NIOCore
import Testing

@testable import WorkerPool

/// Answers of `{"stop":true}`.
@Suite struct PoolRefusalTests {
    @Test func theRequestGoesToAnotherWorkerAndTheWorkerIsReplaced() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1)
        let action = try #require(bench.refused(workers[1]))
        #expect(action.retry.leased == workers[0])
        #expect(action.start.first?.delay == .zero)
        #expect(bench.machine.isGone(workers[1]))
        #expect(bench.refused(workers[1]) == nil, "once")
    }

    @Test func itGoesToAFreeWorkerOnTheLoopOfTheOneThatRefused() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 4), loops: 2)
        _ = bench.submit(1, loop: 1)
        #expect(bench.refused(workers[3])?.retry.leased == workers[1])
    }

    @Test func afterThreeRefusalsItFails() throws {
        let (bench, worker) = PoolBench.busy()
        var current = worker
        for _ in 1...2 {
            let action = try #require(bench.refused(current))
            #expect(action.retry.waits)
            current = try #require(action.start.first).id
            #expect(bench.bringUp(current).action.served == 0)
        }
        let last = try #require(bench.refused(current))
        #expect(last.retry.failure == .refusedByWorkers(attempts: 3))
        let start = try #require(last.start.first)
        #expect(bench.machine.running == 0)
        #expect(bench.machine.waiting == 0)
        #expect(bench.bringUp(start.id).action.isIdle)
    }

    @Test func refusalsAreCountedForEachRequest() throws {
        let (bench, worker) = PoolBench.busy()
        _ = bench.submit(1)
        var current = worker
        for _ in 1...3 {
            current = try #require(bench.refused(current)?.start.first).id
            bench.bringUp(current)
        }
        // Request 0 has failed, request 1 has all of its tries.
        let action = try #require(bench.refused(current))
        #expect(action.retry.waits)
    }

    @Test func aWorkerThatDiedBeforeItsRequestWasWrittenIsNoRefusal() throws {
        let (bench, worker) = PoolBench.busy()
        var current = worker
        for _ in 1...5 {
            let action = bench.failed(current)
            #expect(action.request?.waits == true)
            current = try #require(action.start).id
            #expect(bench.bringUp(current).action.served == 0)
        }
    }

    @Test func theNumberOfTriesIsConfigured() {
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.maxAttempts = 1
        let (bench, worker) = PoolBench.busy(configuration)
        #expect(bench.refused(worker)?.retry.failure == .refusedByWorkers(attempts: 1))
    }

    @Test func aRetryIsNotRefusedByTheQueueLimit() {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxQueueSize: 1))
        #expect(bench.refused(worker)?.retry.waits == true)
        #expect(bench.submit(1).failure == .queueFull)
    }

    @Test func whileThePoolClosesItFails() {
        let (bench, worker) = PoolBench.busy()
        _ = bench.close()
        let action = bench.refused(worker)
        #expect(action?.retry.failure == .poolClosing)
        #expect(action?.start.isEmpty == true)
    }
}
