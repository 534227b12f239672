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
            guard event.kind == .data else {
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
        let close = FakeRequest(.close, loop: loops[0])
        pool.submit(close)
        #expect(await close.outcome.failure == nil)
        pool.close()
        try await end
        #expect(stuck.finishedCount == 1)
        #expect(launcher.alive == 0)
    }
}
