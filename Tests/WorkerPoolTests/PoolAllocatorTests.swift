import NIOCore
import TestSupport
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

    @Test func whatStillWaitsStartsMoreWhenOneIsReady() throws {
        let bench = PoolBench.busy(self.configuration(maxWorkers: 3, spawnRate: 1)).bench
        var start = try #require(bench.submit(1).started.first)
        for request in 2...5 {
            #expect(bench.submit(request).started.isEmpty)
        }
        for request in 1...2 {
            let result = bench.bringUp(start.id)
            #expect(result.action.served == request)
            start = try #require(result.start.first)
            #expect(result.start.count == 1)
        }
        #expect(bench.bringUp(start.id).start.isEmpty, "as many as are allowed")
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

    /// Three events at a time, each of which takes a worker 20 to 30 ms, every 40 ms for half an hour.
    @Test func underASteadyLoadNobodyComesAndGoes() throws {
        let bench = PoolBench.running(self.configuration(maxWorkers: 5, spawnRate: 5)).bench
        var random = SeededGenerator(seed: 7)
        var starts: [NIODeadline] = []
        var request = 0
        let begin = bench.now
        for round in 0..<45_000 {
            var busy: [WorkerID] = []
            var waiting = 0
            for _ in 1...3 {
                request += 1
                let action = bench.submit(request)
                busy += action.leased.map { [$0] } ?? []
                waiting += action.waits ? 1 : 0
                for start in action.started {
                    starts.append(bench.now)
                    bench.bringUp(start.id)
                    busy.append(start.id)
                    waiting -= 1
                }
            }
            bench.now = bench.now + .milliseconds(.random(in: 20...30, using: &random))
            for worker in busy.shuffled(using: &random) {
                while waiting > 0, bench.answered(worker)?.next.served != nil {
                    waiting -= 1
                }
                bench.answered(worker)
            }
            bench.now = begin + .milliseconds(40) * (round + 1)
            if round.isMultiple(of: 25) {
                let tick = bench.tick()
                #expect(tick.stop.isEmpty && tick.start.isEmpty, "round \(round)")
            }
        }
        #expect(starts == [begin, begin], "two more are needed, from the first moment on")
        #expect(bench.machine.ready == 3)
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

    @Test func aRetriedRequestAsksForAWorkerToo() throws {
        let debug = PoolConfiguration.Allocator(maxWorkers: 5, spawnRate: 5, idleTimeout: .seconds(1))
        var configuration = PoolConfiguration(numWorkers: 0, maxJobs: 1)
        configuration.allocator = debug
        let bench = PoolBench(configuration)
        _ = bench.start()
        let first = try #require(bench.submit(1).started.first)
        bench.bringUp(first.id)
        let refusal = try #require(bench.refused(first.id))
        #expect(refusal.retry.waits)
        #expect(refusal.retry.start.count + refusal.start.count == 1, "somebody has to serve it")
    }

    @Test func anExtraWorkerThatIsIdleForIdleTTLIsNotReplaced() throws {
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.allocator = .init(maxWorkers: 1, spawnRate: 1, idleTimeout: .seconds(10))
        configuration.supervisor.idleTTL = .seconds(2)
        let (bench, workers) = PoolBench.running(configuration)
        _ = bench.submit(0)
        let extra = try #require(bench.submit(1).started.first)
        bench.bringUp(extra.id)
        bench.answered(workers[0])
        bench.answered(extra.id)
        bench.now = bench.now + .seconds(3)
        let action = bench.tick()
        #expect(action.stop.count == 1)
        #expect(bench.machine.countedPlaces == 1)
    }
}
