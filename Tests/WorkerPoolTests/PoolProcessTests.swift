import NIOCore
import Testing

@testable import WorkerPool

/// However workers fail: no more processes than the pool may have and a successor, planned leaves apart.
@Suite struct PoolProcessTests {
    @Test func aWorkerThatIsLostIsReplacedAtOnceButNotAgainBeforeAProcessHasEnded() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let second = try #require(bench.failed(workers[0]).start)
        #expect(bench.launch(second.id))
        bench.ready(second.id)
        let third = try #require(bench.failed(second.id).start)
        #expect(bench.machine.launch(third.id) == .wait(kill: workers[0]), "two that were given up live on")
        #expect(bench.machine.processes.count == 2)
        let reaped = bench.reap(workers[0])
        #expect(reaped.start == [.init(id: third.id, delay: .zero)])
        #expect(bench.bringUp(third.id).action.isIdle)
        #expect(bench.machine.processes.count == 2)
    }

    @Test func eachStartThatWaitsHasAnotherProcessKilled() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        let starts = workers.compactMap { bench.failed($0).start }
        let actions = starts.map { bench.machine.launch($0.id) }
        #expect(actions == [.go, .wait(kill: workers[0]), .wait(kill: workers[1])])
        for id in workers {
            for start in bench.reap(id).start {
                #expect(bench.launch(start.id))
            }
        }
        #expect(bench.machine.processes.waiting.isEmpty)
        #expect(bench.machine.processes.count == 3)
    }

    @Test func workersThatLeaveAsPlannedDoNotCount() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        var current = workers[0]
        for request in 0..<10 {
            _ = bench.submit(request)
            let start = try #require(bench.refused(current)?.start.first)
            #expect(bench.bringUp(start.id).action.served == request)
            current = start.id
            bench.answered(current)
        }
        #expect(bench.machine.processes.count == 11)
        #expect(bench.machine.processes.leaving.count == 10)
    }

    @Test func roomThatAPlannedLeaveMakesIsUsedAtOnce() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        // It was given up and does not end.
        let second = try #require(bench.failed(workers[0]).start)
        bench.bringUp(second.id)
        let successor = try #require(bench.reset().first)
        #expect(bench.machine.launch(successor.id) == .wait(kill: workers[0]))
        _ = bench.submit(1)
        let refusal = try #require(bench.refused(second.id))
        #expect(refusal.start == [.init(id: successor.id, delay: .zero)])
        #expect(bench.launch(successor.id))
    }

    @Test func aRetiringWorkerThatFailsWasOnItsWayOut() throws {
        let (bench, worker) = PoolBench.busy()
        let successor = try #require(bench.reset().first)
        bench.bringUp(successor.id)
        bench.failed(worker, written: true)
        #expect(bench.machine.processes.leaving == [worker])
        let next = try #require(bench.failed(successor.id).start)
        #expect(bench.launch(next.id))
    }

    @Test func aStartThatWaitsIsForgottenWhenItIsNotWantedAnyMore() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let second = try #require(bench.failed(workers[0]).start)
        bench.bringUp(second.id)
        let third = try #require(bench.failed(second.id).start)
        _ = bench.launch(third.id)
        _ = bench.close()
        #expect(bench.machine.processes.waiting.isEmpty)
        let first = bench.reap(workers[0])
        #expect(first.start.isEmpty && !first.isClosed)
        #expect(bench.reap(second.id).isClosed)
    }

    @Test func aRequestThatNobodyHasReadDoesNotGoRoundForEver() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        _ = bench.submit(0)
        var current = workers[0]
        var losses = 0
        while true {
            let action = bench.failed(current)
            losses += 1
            if let failure = action.request?.failure {
                #expect(failure == .workerGone(.gone))
                break
            }
            _ = bench.reap(current)
            current = try #require(action.start).id
            #expect(bench.bringUp(current).action.served == 0)
        }
        #expect(losses == 3 + 2 * 1 + 1)
    }

    @Test func norWhereEveryWorkerIsStartedOnDemand() throws {
        var configuration = PoolConfiguration(numWorkers: 0, maxJobs: 1)
        configuration.allocator = .init(maxWorkers: 500, spawnRate: 500, idleTimeout: .seconds(60))
        let bench = PoolBench(configuration)
        _ = bench.start()
        var current = try #require(bench.submit(0).started.first)
        var delays: [TimeAmount] = []
        while true {
            delays.append(current.delay)
            #expect(bench.bringUp(current.id).action.served == 0)
            let action = bench.failed(current.id)
            guard let retry = action.request, retry.failure == nil else {
                break
            }
            _ = bench.reap(current.id)
            let starts = (action.start.map { [$0] } ?? []) + action.more
            #expect(starts.count == 1)
            current = try #require(starts.first)
        }
        #expect(delays.count == 3 + 2 * 8 + 1)
        #expect(delays.prefix(2) == [.zero, .zero], "the first failure is mended at once")
        #expect(zip(delays.dropFirst(2), [100, 200, 400, 800]).allSatisfy { $0 >= .milliseconds($1 / 2) })
        // One that is of use again.
        current = try #require(bench.submit(1).started.first)
        #expect(current.delay > .zero)
        bench.bringUp(current.id)
        #expect(bench.answered(current.id)?.next.isReplaced == true)
        #expect(bench.submit(2).started.first?.delay == .zero)
    }

    @Test func workersThatLeaveFasterThanTheyEndAreNotMoreAndMoreProcesses() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        var current = workers[0]
        var left: [WorkerID] = []
        while true {
            _ = bench.submit(left.count)
            let action = try #require(bench.refused(current))
            left.append(current)
            let start = try #require(action.start.first)
            guard bench.machine.launch(start.id) == .go else {
                current = start.id
                break
            }
            bench.ready(start.id)
            bench.answered(start.id)
            current = start.id
        }
        #expect(bench.machine.processes.count == 16 + 2)
        #expect(bench.machine.processes.waiting == [current])
        // It is started when one of them ends.
        #expect(bench.reap(left[0]).start == [.init(id: current, delay: .zero)])
        #expect(bench.bringUp(current).action.served != nil)
        #expect(bench.machine.processes.count == 16 + 2)
    }

    @Test(arguments: [1, 20, 100])
    func aResetWaitsForNoProcess(numWorkers: Int) throws {
        let (bench, _) = PoolBench.running(.init(numWorkers: numWorkers))
        var starts = bench.reset()
        while let start = starts.popLast() {
            #expect(bench.machine.launch(start.id) == .go)
            starts += bench.ready(start.id).start
        }
        #expect(bench.machine.processes.leaving.count == numWorkers)
    }
}

/// `reset_timeout`.
@Suite struct PoolResetTimeoutTests {
    @Test func aBusyWorkerIsTimedWhenItsSuccessorIsReady() throws {
        let (bench, worker) = PoolBench.busy()
        let start = try #require(bench.reset().first)
        #expect(bench.resetTimedOut(worker) == nil, "its successor is not ready")
        #expect(bench.bringUp(start.id).resetTimed == worker)
        let timedOut = bench.resetTimedOut(worker)
        let action = try #require(timedOut)
        #expect(action.kill.map(\.request) == [0])
        #expect(action.killed.map(\.code) == [.resetTimeout])
        #expect(action.start.isEmpty)
        #expect(bench.machine.isGone(worker))
        #expect(bench.machine.ready == 1)
        #expect(bench.machine.measures.restarts == [.reset: 1], "once")
    }

    @Test func oneThatHasAnsweredIsNotKilled() throws {
        let (bench, worker) = PoolBench.busy()
        let start = try #require(bench.reset().first)
        bench.bringUp(start.id)
        bench.answered(worker)
        #expect(bench.resetTimedOut(worker) == nil)
    }

    @Test func otherReplacementsHaveNoLimitUntilAResetIsAsked() throws {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxJobs: 1))
        _ = bench.submit(1)
        let start = try #require(bench.answered(worker)?.successor)
        #expect(bench.bringUp(start.id).resetTimed == nil)
        #expect(bench.resets().timed == [worker])
        #expect(bench.resets().timed.isEmpty, "a second one does not give it more time")
        #expect(bench.resetTimedOut(worker) != nil)
    }

    @Test func thePoolsEndHasLimitsOfItsOwn() throws {
        let (bench, worker) = PoolBench.busy()
        let start = try #require(bench.reset().first)
        bench.bringUp(start.id)
        _ = bench.close()
        #expect(bench.resetTimedOut(worker) == nil)
    }
}
