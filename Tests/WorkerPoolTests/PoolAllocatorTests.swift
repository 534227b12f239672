import NIOCore
import Testing

@testable import WorkerPool

/// `dynamic_allocator`: more workers while events wait.
@Suite struct PoolAllocatorTests {
    private func configuration(_ numWorkers: Int = 1, maxWorkers: Int = 3, spawnRate: Int = 2) -> PoolConfiguration {
        var configuration = PoolConfiguration(numWorkers: numWorkers)
        configuration.allocator = .init(maxWorkers: maxWorkers, spawnRate: spawnRate, idleTimeout: .seconds(60))
        return configuration
    }

    @Test func anEventThatWaitsStartsAWorkerThatServesIt() throws {
        let (bench, worker) = PoolBench.busy(self.configuration())
        let start = try #require(bench.submit(1).started.first)
        #expect(start.delay == .zero)
        #expect(bench.bringUp(start.id).action.served == 1)
        #expect(bench.answered(worker)?.next.isIdle == true)
        #expect(bench.machine.ready == 2)
    }

    @Test func asManyStartAtOnceAsTheSpawnRateAllows() {
        let bench = PoolBench.busy(self.configuration(spawnRate: 2)).bench
        let counts = (1...5).map { bench.submit($0).started.count }
        #expect(counts == [1, 1, 0, 0, 0])
    }

    @Test func neverMoreThanTheLimit() {
        let bench = PoolBench.busy(self.configuration(maxWorkers: 3, spawnRate: 10)).bench
        var started = 0
        for request in 1...20 {
            for start in bench.submit(request).started {
                bench.bringUp(start.id)
                started += 1
            }
        }
        #expect(started == 3)
        #expect(bench.machine.ready == 4)
    }

    @Test func idleWorkersBeyondTheNumberLeaveLongestIdleFirst() throws {
        let (bench, worker) = PoolBench.busy(self.configuration())
        let first = try #require(bench.submit(1).started.first).id
        bench.bringUp(first)
        let second = try #require(bench.submit(2).started.first).id
        bench.bringUp(second)
        bench.answered(second)
        bench.now = bench.now + .seconds(30)
        bench.answered(worker)
        bench.now = bench.now + .seconds(30)
        #expect(bench.tick().stop == [second])
        bench.answered(first)
        bench.now = bench.now + .seconds(60)
        #expect(bench.tick().stop == [worker], "one stays however long all are idle")
        bench.now = bench.now + .hours(1)
        #expect(bench.tick().stop.isEmpty)
        #expect(bench.machine.ready == 1)
    }

    @Test func aWorkerBeyondTheNumberThatDiesIsNotReplaced() throws {
        let (bench, _) = PoolBench.busy(self.configuration())
        let start = try #require(bench.submit(1).started.first)
        bench.bringUp(start.id)
        #expect(bench.failed(start.id, written: true).start == nil)
        #expect(bench.machine.ready == 1)
    }

    @Test func unlessEventsWaitForIt() throws {
        let (bench, _) = PoolBench.busy(self.configuration(maxWorkers: 1))
        let start = try #require(bench.submit(1).started.first)
        bench.bringUp(start.id)
        _ = bench.submit(2)
        #expect(bench.failed(start.id, written: true).start != nil)
    }

    @Test func withoutAnAllocatorThePoolKeepsToItsNumber() {
        let bench = PoolBench.busy().bench
        #expect((1...50).allSatisfy { bench.submit($0).started.isEmpty })
    }
}
