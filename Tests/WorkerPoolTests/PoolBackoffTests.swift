import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolBackoffTests {
    /// The waits, in milliseconds, of a worker that fails this many times in a row before it was of any use.
    private func delays(
        _ count: Int,
        random: any RandomNumberGenerator,
        backoff: PoolConfiguration.Backoff = .init(),
        fails: (PoolBench, WorkerID) -> PoolFailure
    ) throws -> [Int64] {
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.backoff = backoff
        let (bench, workers) = PoolBench.running(configuration, random: random)
        var current = workers[0]
        return try (0..<count).map { _ in
            let start = try #require(fails(bench, current).start)
            current = start.id
            _ = bench.launch(current)
            return start.delay.nanoseconds / 1_000_000
        }
    }

    @Test func waitsDoubleFromTheShortestToTheLongestAfterTheFirst() throws {
        let delays = try self.delays(10, random: ConstantGenerator.highest) { $0.failed($1) }
        #expect(delays == [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
    }

    @Test func waitsAreShortenedByUpToAHalf() throws {
        let delays = try self.delays(10, random: ConstantGenerator.lowest) { $0.failed($1) }
        #expect(delays == [0, 50, 100, 200, 400, 800, 1600, 2500, 2500, 2500])
    }

    @Test func waitsDoNotOverflow() throws {
        var backoff = PoolConfiguration.Backoff()
        backoff.shortest = .hours(1_000_000)
        backoff.longest = .hours(2_000_000)
        let delays = try self.delays(200, random: ConstantGenerator.highest, backoff: backoff) { $0.failed($1) }
        #expect(delays[0] == 0)
        #expect(delays.dropFirst().allSatisfy { (1...2_000_000 * 3_600_000).contains($0) })
    }

    @Test func aWorkerThatDiesReadyButUselessCountsToo() throws {
        let delays = try self.delays(4, random: ConstantGenerator.highest) { bench, id in
            bench.ready(id)
            return bench.failed(id)
        }
        #expect(delays == [0, 100, 200, 400])
    }

    @Test func aJobResetsTheWait() throws {
        let delays = try self.delays(5, random: ConstantGenerator.highest) { bench, id in
            bench.ready(id)
            _ = bench.submit(1)
            bench.answered(id)
            return bench.failed(id)
        }
        #expect(delays == [0, 0, 0, 0, 0])
    }

    @Test func aFailedRequestIsNoJob() throws {
        let delays = try self.delays(4, random: ConstantGenerator.highest) { bench, id in
            bench.ready(id)
            _ = bench.submit(1)
            return bench.failed(id, written: true)
        }
        #expect(delays == [0, 100, 200, 400])
    }

    @Test func aLongLifeResetsTheWait() throws {
        let lifetimes: [TimeAmount] = [.seconds(1), .seconds(4), .seconds(5), .seconds(1), .seconds(1)]
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1), random: ConstantGenerator.highest)
        var current = workers[0]
        var delays: [TimeAmount] = []
        for lifetime in lifetimes {
            bench.now = bench.now + lifetime
            let start = try #require(bench.failed(current).start)
            delays.append(start.delay)
            current = start.id
            bench.bringUp(current)
        }
        #expect(delays == [.zero, .milliseconds(100), .zero, .zero, .milliseconds(100)])
    }

    @Test func aPlannedEndResetsTheWait() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1), random: ConstantGenerator.highest)
        let first = try #require(bench.failed(workers[0]).start)
        bench.bringUp(first.id)
        _ = bench.submit(1)
        let second = try #require(bench.refused(first.id)?.start.first)
        #expect(second.delay == .zero)
        bench.bringUp(second.id)
        bench.refused(second.id)
        let third = WorkerID(place: second.id.place, generation: second.id.generation + 2)
        bench.bringUp(third)
        #expect(bench.failed(third).start?.delay == .zero)
    }

    @Test func eachPlaceCountsItsOwnFailures() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2), random: ConstantGenerator.highest)
        let first = try #require(bench.failed(workers[0]).start)
        _ = bench.launch(first.id)
        #expect(bench.failed(first.id).start?.delay == .milliseconds(100))
        #expect(bench.failed(workers[1]).start?.delay == .zero)
    }
}
