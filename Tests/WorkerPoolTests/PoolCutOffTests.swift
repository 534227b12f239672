import Logging
import NIOCore
import NIOPosix
import Testing

@testable import WorkerPool

/// The grace period is nearly over.
@Suite struct PoolCutOffTests {
    @Test func stuckWorkersAreKilledFreeOnesServeTheirClose() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        let stuck = try #require(bench.submit(1).leased)
        let action = bench.machine.cutOffRequests(now: bench.now)
        #expect(action.kill.map(\.id) == [stuck] && action.kill.map(\.request) == [1])
        #expect(action.start.isEmpty, "others are left")
        let close = try #require(bench.submit(2, isClose: true).leased)
        #expect(close != stuck && workers.contains(close))
        #expect(bench.answered(close)?.next.isIdle == true)
        #expect(bench.close().stop.count == 2)
    }

    @Test func aCloseThatIsAtWorkIsLeftAlone() throws {
        let (bench, _) = PoolBench.running(.init(numWorkers: 2))
        let closing = try #require(bench.submit(1, isClose: true).leased)
        #expect(bench.machine.cutOffRequests(now: bench.now).kill.isEmpty)
        #expect(bench.answered(closing)?.request == 1)
    }

    @Test func whatWaitsIsRefusedButClose() throws {
        let (bench, worker) = PoolBench.busy()
        for request in 1...4 {
            _ = bench.submit(request, isClose: request == 2)
        }
        let action = bench.machine.cutOffRequests(now: bench.now)
        #expect(action.refused == [1, 3, 4])
        #expect(action.kill.map(\.id) == [worker])
        #expect(bench.fireTimer().expired.isEmpty)
        #expect(bench.submit(5).refusal == .poolClosing)
        #expect(bench.submit(6, isClose: true).waits)
        // None was left: one is started for the CLOSE.
        let next = try #require(action.start.first)
        #expect(action.start.count == 1)
        #expect(bench.bringUp(next.id).action.served == 2)
    }

    @Test func whenAllAreStuckOneIsStarted() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        for request in 1...3 {
            _ = bench.submit(request)
        }
        let action = bench.machine.cutOffRequests(now: bench.now)
        #expect(action.kill.count == 3 && action.start.count == 1)
        #expect(workers.allSatisfy { bench.machine.isGone($0) })
    }

    /// Whatever the machine counts as starting has been asked for.
    private func expectAllStarts(_ bench: PoolBench, _ action: PoolBench.Machine.CutOffAction) {
        #expect(action.start.count == bench.machine.startingCount)
        #expect(Set(action.start.map(\.id)).count == action.start.count)
    }

    @Test func theAllocatorStartsWorkersForTheClosesThatWait() throws {
        var configuration = PoolConfiguration(numWorkers: 2)
        configuration.allocator = .init(maxWorkers: 2, spawnRate: 2, idleTimeout: .seconds(60))
        let (bench, _) = PoolBench.running(configuration)
        for request in 1...4 {
            _ = bench.submit(request).started.map { bench.bringUp($0.id) }
        }
        for request in 5...8 {
            _ = bench.submit(request, isClose: true)
        }
        #expect(bench.machine.ready == 4 && bench.machine.waiting == 4)
        let action = bench.machine.cutOffRequests(now: bench.now)
        #expect(action.kill.map(\.request).sorted() == [1, 2, 3, 4])
        #expect(action.start.count == 2, "as many as may start at once")
        self.expectAllStarts(bench, action)
        for stuck in action.kill {
            _ = bench.machine.reaped(stuck.id)
        }
        var current = try #require(action.start.first).id
        #expect(bench.bringUp(current).action.served == 5)
        #expect(bench.answered(current)?.next.served == 6)
        current = action.start[1].id
        #expect(bench.bringUp(current).action.served == 7)
        #expect(bench.answered(current)?.next.served == 8)
    }

    @Test func whoIsFreshForEachEventIsStartedForTheClosesThatWait() throws {
        var configuration = PoolConfiguration(numWorkers: 0, maxJobs: 1)
        configuration.allocator = .init(maxWorkers: 2, spawnRate: 2, idleTimeout: .seconds(60))
        let bench = PoolBench(configuration)
        _ = bench.start()
        for request in 1...2 {
            _ = bench.submit(request).started.map { bench.bringUp($0.id) }
        }
        _ = bench.submit(3, isClose: true)
        let action = bench.machine.cutOffRequests(now: bench.now)
        #expect(action.kill.count == 2)
        self.expectAllStarts(bench, action)
        #expect(bench.bringUp(try #require(action.start.first).id).action.served == 3)
    }

    @Test func aRollingResetStopsThere() throws {
        let (bench, _) = PoolBench.running(.init(numWorkers: 4))
        for request in 1...4 {
            _ = bench.submit(request)
        }
        let successor = try #require(bench.reset().first)
        _ = bench.submit(5, isClose: true)
        let action = bench.machine.cutOffRequests(now: bench.now)
        #expect(action.kill.count == 4)
        #expect(action.start.isEmpty, "one is on its way")
        #expect(bench.machine.startingCount == 1 && bench.machine.replacing == 0)
        let result = bench.bringUp(successor.id)
        #expect(result.action.served == 5)
        #expect(result.start.isEmpty)
    }

    @Test func noMoreWorkersAreReplaced() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2, maxJobs: 1))
        _ = bench.machine.cutOffRequests(now: bench.now)
        #expect(bench.reset().isEmpty)
        let close = try #require(bench.submit(1, isClose: true).leased)
        let answer = try #require(bench.answered(close))
        #expect(answer.successor == nil && answer.next.isIdle)
        #expect(bench.machine.replacing == 0 && bench.machine.ready == workers.count)
    }

    @Test func oneIsStartedWhenTheLastStuckOneWasRetiring() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        let retiring = try #require(bench.reset().first).id
        #expect(bench.bringUp(retiring).stop == workers[0])
        #expect(bench.submit(1).leased == retiring)
        let successor = try #require(bench.reset().first).id
        #expect(bench.bringUp(successor).resetTimed == retiring)
        #expect(bench.submit(2).leased == successor && successor.place < retiring.place)
        let action = bench.machine.cutOffRequests(now: bench.now)
        #expect(action.kill.count == 2)
        #expect(action.start.count == 1)
        self.expectAllStarts(bench, action)
    }

    @Test func workersThatEndHaveNoSuccessorWhileOthersAreLeft() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        _ = bench.machine.cutOffRequests(now: bench.now)
        #expect(bench.failed(workers[0]).start == nil)
        #expect(bench.failed(workers[1]).start != nil)
    }

    @Test func itHappensOnceAndWhileThePoolRunsOnly() {
        let starting = PoolBench(.init(numWorkers: 1))
        _ = starting.start()
        #expect(starting.machine.cutOffRequests(now: starting.now).kill.isEmpty)
        let bench = PoolBench.busy().bench
        _ = bench.close()
        #expect(bench.machine.cutOffRequests(now: bench.now).kill.isEmpty)
    }

    @Test func thePoolKillsThemAndTellsTheirRequests() async throws {
        let loops: [any EventLoop] = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
        let (served, isServed) = AsyncStream<Void>.makeStream()
        let launcher = FakeLauncher(loops: loops) { event in
            guard !event.isLast else {
                return .answer
            }
            isServed.yield()
            return .hang
        }
        let pool = WorkerPool(
            configuration: .init(numWorkers: 2),
            launcher: launcher,
            loops: loops,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        async let end: Void = pool.run { isReady.yield() }
        for await _ in ready {
            break
        }
        let stuck = FakeRequest(loop: loops[0])
        pool.submit(stuck)
        for await _ in served {
            break
        }
        #expect(pool.cutOffRequests() == 1)
        #expect(await stuck.outcome.failure == .workerGone(.graceIsOver))
        let close = FakeRequest(isLast: true, loop: loops[0])
        pool.submit(close)
        #expect(await close.outcome.failure == nil)
        pool.close()
        try await end
        #expect(stuck.finishedCount == 1)
        #expect(launcher.alive == 0)
    }
}
