import NIOCore
import Testing

@testable import WorkerPool

/// `max_jobs`: planned, so the successor comes first.
@Suite struct PoolJobLimitTests {
    @Test func theWorkerGoesOnUntilItsSuccessorIsReadyAndIsCountedOnce() throws {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxJobs: 2))
        #expect(bench.answered(worker)?.successor == nil)
        _ = bench.submit(1)
        let start = try #require(bench.answered(worker)?.successor)
        #expect(start.id.place != worker.place)
        for request in 2..<20 {
            #expect(bench.submit(request).leased == worker, "nobody waits")
            let answer = try #require(bench.answered(worker))
            #expect(answer.next.isIdle && answer.successor == nil)
        }
        #expect(bench.machine.measures.restarts.isEmpty)
        #expect(bench.bringUp(start.id).stop == worker)
        #expect(bench.machine.measures.restarts == [.maxJobs: 1])
        #expect(bench.submit(20).leased == start.id)
    }

    @Test func workersThatReachItTogetherLeaveOneAfterTheOther() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2, maxJobs: 1))
        _ = bench.submit(1)
        _ = bench.submit(2)
        let first = try #require(bench.answered(workers[1])?.successor)
        #expect(bench.answered(workers[0])?.successor == nil, "one at a time: a quarter of the pool, but one at least")
        let ready = bench.bringUp(first.id)
        #expect(ready.stop == workers[1])
        #expect(bench.machine.ready == 2)
        let second = try #require(ready.start.first)
        #expect(bench.bringUp(second.id).stop == workers[0])
        #expect(bench.machine.ready == 2)
    }

    @Test func itGoesOnWhileNoSuccessorCanBeStartedAndOneIsTriedAgain() throws {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxJobs: 1))
        var next = bench.answered(worker)?.successor
        var failures = 0
        while let successor = next {
            _ = bench.launch(successor.id)
            failures += 1
            next = bench.failed(successor.id, WorkerFailure(.start, "no")).more.first
        }
        #expect(failures == 5)
        #expect(bench.machine.ready == 1 && bench.machine.roster.counted == 1)
        _ = bench.submit(1)
        #expect(bench.answered(worker)?.successor == nil, "not at once again")
        bench.now = bench.now + .seconds(10)
        _ = bench.submit(2)
        let again = try #require(bench.answered(worker)?.successor)
        _ = bench.submit(3)
        let ready = bench.bringUp(again.id)
        #expect(ready.stop == nil)
        #expect(bench.answered(worker)?.next.isReplaced == true)
        #expect(bench.machine.measures.restarts[.maxJobs] == 1)
    }

    @Test func duringThePoolsStartItIsAskedForAndStartedWhenThePoolIsReady() throws {
        let bench = PoolBench(.init(numWorkers: 2, maxJobs: 1))
        let ids = bench.start().map(\.id)
        bench.bringUp(ids[0])
        #expect(bench.submit(1).leased == ids[0])
        let answer = try #require(bench.answered(ids[0]))
        #expect(answer.next.isIdle && answer.successor == nil)
        let ready = bench.bringUp(ids[1])
        #expect(ready.poolIsReady)
        #expect(bench.bringUp(try #require(ready.start.first).id).stop == ids[0])
    }

    @Test func whileThePoolClosesItStopsAfterItsAnswer() throws {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxJobs: 1))
        _ = bench.close()
        let answer = try #require(bench.answered(worker))
        #expect(answer.next.isReplaced && answer.next.allStarted.isEmpty && answer.successor == nil)
        #expect(bench.machine.measures.restarts.isEmpty)
    }

    @Test func inAPoolThatKeepsNoWorkersEachServesOneEvent() throws {
        var configuration = PoolConfiguration(numWorkers: 0, maxJobs: 1)
        configuration.allocator = .init(maxWorkers: 500, spawnRate: 500, idleTimeout: .seconds(1))
        let bench = PoolBench(configuration)
        _ = bench.start()
        let first = try #require(bench.submit(0).started.first)
        let second = try #require(bench.submit(1).started.first)
        for (id, request) in [(first.id, 0), (second.id, 1)] {
            #expect(bench.bringUp(id).action.served == request)
        }
        let third = try #require(bench.submit(2).started.first)
        for id in [first.id, second.id] {
            let answer = try #require(bench.answered(id))
            #expect(answer.next.isReplaced && answer.next.allStarted.isEmpty && answer.successor == nil)
        }
        #expect(bench.bringUp(third.id).action.served == 2)
        #expect(bench.answered(third.id)?.next.isReplaced == true)
        #expect(bench.machine.ready == 0)
    }

    @Test func aWorkerBeyondNumWorkersHasASuccessorToo() throws {
        var configuration = PoolConfiguration(numWorkers: 1, maxJobs: 1)
        configuration.allocator = .init(maxWorkers: 1, spawnRate: 1, idleTimeout: .seconds(10))
        let (bench, workers) = PoolBench.running(configuration)
        _ = bench.submit(0)
        let extra = try #require(bench.submit(1).started.first)
        bench.bringUp(extra.id)
        let start = try #require(bench.answered(extra.id)?.successor)
        #expect(bench.bringUp(start.id).stop == extra.id)
        #expect(bench.machine.roster.counted == 2)
        #expect(!bench.machine.isGone(workers[0]))
    }
}
