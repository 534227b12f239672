import NIOCore
import Testing

@testable import WorkerPool

/// Planned replacement: the successor first, then the worker stops.
@Suite struct PoolReplacementTests {
    @Test func aSuccessorIsReadyBeforeItsWorkerStops() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let start = try #require(bench.reset().first)
        #expect(start.delay == .zero)
        #expect(start.id.place != workers[0].place)
        #expect(!bench.machine.isGone(workers[0]))
        let result = bench.bringUp(start.id)
        #expect(result.stop == workers[0])
        #expect(result.action.isIdle)
        #expect(bench.machine.isGone(workers[0]))
        #expect(bench.machine.ready == 1)
        #expect(bench.submit(1).leased == start.id)
    }

    @Test func aBusyWorkerStopsAfterItsAnswer() throws {
        let (bench, worker) = PoolBench.busy()
        _ = bench.submit(1)
        let start = try #require(bench.reset().first)
        let result = bench.bringUp(start.id)
        #expect(result.stop == nil)
        #expect(result.action.served == 1)
        let answer = try #require(bench.answered(worker))
        #expect(answer.next.isReplaced)
        #expect(answer.next.started == nil, "its successor is there")
        #expect(bench.machine.ready == 1)
        #expect(bench.answered(start.id)?.next.isIdle == true)
    }

    @Test(arguments: [(workers: 1, most: 1), (3, 1), (4, 1), (8, 2), (100, 25)])
    func aQuarterOfThePoolIsReplacedAtOnce(workers: Int, most: Int) {
        let (bench, all) = PoolBench.running(.init(numWorkers: workers))
        var starting = bench.reset()
        #expect(starting.count == most)
        var stopped: Set<WorkerID> = []
        while let next = starting.popLast() {
            let result = bench.bringUp(next.id)
            stopped.formUnion(result.stop.map { [$0] } ?? [])
            starting += result.start
            #expect(starting.count <= most)
            #expect(bench.machine.ready >= workers)
        }
        #expect(stopped == Set(all))
        #expect(bench.machine.ready == workers)
    }

    @Test func aSecondResetReplacesTheSuccessorsOfTheFirst() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let first = try #require(bench.reset().first)
        _ = bench.launch(first.id)
        #expect(bench.reset().isEmpty, "one is on its way")
        let result = bench.ready(first.id)
        #expect(result.stop == workers[0])
        let second = try #require(result.start.first)
        #expect(bench.bringUp(second.id).stop == first.id)
        #expect(bench.machine.ready == 1)
    }

    @Test func aWorkerLaunchedAfterTheResetIsNotReplaced() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let start = try #require(bench.failed(workers[0]).start)
        #expect(bench.reset().isEmpty)
        let result = bench.bringUp(start.id)
        #expect(result.start.isEmpty)
        #expect(bench.machine.ready == 1)
    }

    @Test func aWorkerThatWasStartingIsReplacedOnceItIsReady() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let start = try #require(bench.failed(workers[0]).start)
        _ = bench.launch(start.id)
        #expect(bench.reset().isEmpty)
        let successor = try #require(bench.ready(start.id).start.first)
        #expect(bench.bringUp(successor.id).stop == start.id)
    }

    @Test func whenTheSuccessorFailsTheWorkerGoesOnAndTheOthersAreReplaced() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 4))
        var successor = try #require(bench.reset().first)
        _ = bench.launch(successor.id)
        let action = bench.failed(successor.id)
        #expect(action.goesOn == workers[0])
        #expect(action.givenUp == 0)
        #expect(action.start == nil, "nobody is missing")
        #expect(bench.machine.ready == 4)
        successor = try #require(action.more.first)
        #expect(successor.delay > .zero, "not at once again")
        var stopped: [WorkerID?] = []
        for _ in workers {
            let result = bench.bringUp(successor.id)
            stopped.append(result.stop)
            successor = result.start.first ?? successor
        }
        #expect(stopped == workers[1...] + [workers[0]], "the one that failed comes last")
        #expect(bench.machine.ready == 4)
    }

    @Test func tooManySuccessorsThatFailLeaveAllTheOthersServing() throws {
        let (bench, _) = PoolBench.running(.init(numWorkers: 4))
        var successors = bench.reset()
        var failures = 0
        while let successor = successors.first {
            failures += 1
            _ = bench.launch(successor.id)
            let action = bench.failed(successor.id)
            #expect(action.givenUp == (failures == 5 ? 4 : 0))
            successors = action.more
        }
        #expect(failures == 5)
        #expect(bench.machine.ready == 4)
        #expect(bench.tick().start.isEmpty, "no more are tried for now")
        let again = bench.reset()
        #expect(again.map(\.delay) == [.zero], "but when asked again")
    }

    @Test func whenTheWorkerDiesItsSuccessorCounts() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let start = try #require(bench.reset().first)
        let action = bench.failed(workers[0])
        #expect(action.start == nil, "its successor is on its way")
        _ = bench.launch(start.id)
        let failed = bench.failed(start.id)
        #expect(failed.goesOn == nil)
        let again = try #require(failed.start)
        #expect(bench.bringUp(again.id).action.isIdle)
        #expect(bench.machine.ready == 1)
    }

    @Test func aWorkerAtItsJobLimitWithASuccessorIsReplacedOnce() throws {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxJobs: 1))
        let start = try #require(bench.reset().first)
        let answer = try #require(bench.answered(worker))
        #expect(answer.next.isIdle && answer.successor == nil)
        #expect(bench.bringUp(start.id).stop == worker)
        #expect(bench.machine.ready == 1)
    }

    @Test func aResetBeforeThePoolIsReadyDoesNothing() {
        let bench = PoolBench(.init(numWorkers: 1))
        _ = bench.start()
        #expect(bench.reset().isEmpty)
    }

    @Test func replacementsThatFailAreTriedLessAndLess() throws {
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.supervisor.ttl = .seconds(1)
        let (bench, _) = PoolBench.running(configuration)
        bench.now = bench.now + .seconds(1)
        let successor = try #require(bench.tick().start.first)
        var next: WorkerStart? = successor
        var delays: [TimeAmount] = []
        while let successor = next {
            _ = bench.launch(successor.id)
            next = bench.failed(successor.id).more.first
            delays += next.map { [$0.delay] } ?? []
        }
        #expect(delays.count == 4)
        #expect(
            zip(delays, [100, 200, 400, 800]).allSatisfy { $0 >= .milliseconds($1 / 2) && $0 <= .milliseconds($1) })
        #expect(bench.tick().start.isEmpty, "not at once again")
        bench.now = bench.now + .milliseconds(1600)
        #expect(bench.tick().start.count == 1)
    }
}
