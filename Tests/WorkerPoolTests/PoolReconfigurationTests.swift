import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolReconfigurationTests {
    @Test func moreWorkersAreStarted() {
        let (bench, _) = PoolBench.running(.init(numWorkers: 1))
        let action = bench.reconfigure(.init(numWorkers: 3))
        #expect(action.start.count == 2)
        #expect(action.stop.isEmpty && action.kill.isEmpty)
        for start in action.start {
            #expect(!bench.bringUp(start.id).poolIsReady, "it was ready before")
        }
        #expect(bench.machine.ready == 3)
    }

    @Test func idleWorkersBeyondTheNumberStop() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        let action = bench.reconfigure(.init(numWorkers: 1))
        #expect(action.stop == Array(workers[..<2]))
        #expect(bench.machine.ready == 1)
        #expect(bench.submit(1).leased == workers[2])
        #expect(bench.submit(2).waits)
    }

    @Test func busyWorkersBeyondTheNumberStopAfterTheirAnswer() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1)
        _ = bench.submit(2)
        _ = bench.submit(3)
        let action = bench.reconfigure(.init(numWorkers: 1))
        #expect(action.stop.isEmpty && action.kill.isEmpty)
        let answer = try #require(bench.answered(workers[0]))
        #expect(answer.next.isReplaced)
        #expect(answer.next.started == nil)
        #expect(bench.answered(workers[1])?.next.served == 3)
    }

    @Test func startingWorkersBeyondTheNumberAreKilled() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        let start = try #require(bench.failed(workers[0]).start)
        _ = bench.launch(start.id)
        let action = bench.reconfigure(.init(numWorkers: 1))
        #expect(action.kill == [start.id])
        #expect(bench.ready(start.id).action.isStopped)
        #expect(bench.failed(workers[1]).start != nil, "the other one is kept up")
    }

    @Test func workersInTheirBackoffAreForgotten() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        let start = try #require(bench.failed(workers[0]).start)
        let action = bench.reconfigure(.init(numWorkers: 1))
        #expect(action.kill.isEmpty && action.stop.isEmpty)
        #expect(!bench.launch(start.id))
    }

    @Test func theOtherLimitsHoldFromNowOn() {
        let (bench, _) = PoolBench.busy()
        _ = bench.reconfigure(.init(numWorkers: 1, maxQueueSize: 1))
        #expect(bench.submit(1).failure == .queueFull)
    }

    @Test func aSuccessorOnItsWayToABusyWorkerThatIsDismissedLeavesToo() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.submit(1)
        _ = bench.submit(2)
        let successor = try #require(bench.reset().first)
        _ = bench.launch(successor.id)
        _ = bench.reconfigure(.init(numWorkers: 1))
        #expect(bench.answered(workers[0])?.next.isReplaced == true)
        #expect(bench.answered(workers[1])?.next.isIdle == true)
        bench.ready(successor.id)
        #expect(bench.machine.roster.counted == 1)
        #expect(bench.machine.ready == 1, "one worker is asked for")
    }

    @Test func aReplacementThatIsAskedForGoesOnWhenItsTurnIsFreed() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        let successor = try #require(bench.reset().first)
        _ = bench.launch(successor.id)
        // The worker it was to replace is idle: both leave.
        let action = bench.reconfigure(.init(numWorkers: 1))
        #expect(action.stop == [workers[0], workers[1]])
        #expect(bench.machine.roster.counted == 1)
        let isFollowedUp = !action.start.isEmpty || !bench.machine.isGone(successor.id)
        #expect(isFollowedUp, "the last worker of before the reset is still to be replaced")
    }

    @Test func aRequestThatRunsWhenExecTTLComesCountsFromThen() {
        let (bench, _) = PoolBench.busy()
        bench.now = bench.now + .seconds(100)
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.supervisor.execTTL = .seconds(3)
        _ = bench.reconfigure(configuration)
        bench.now = bench.now + .seconds(2)
        #expect(bench.tick().kill.isEmpty)
        bench.now = bench.now + .seconds(1)
        #expect(bench.tick().kill.count == 1)
    }
}
