import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolAnswerTests {
    @Test func anAnswerFreesTheWorker() {
        let (bench, worker) = PoolBench.busy()
        let action = bench.answered(worker)
        #expect(action?.request == 0)
        #expect(action?.next.isIdle == true)
        #expect(bench.machine.running == 0)
        #expect(bench.submit(1).leased == worker)
    }

    @Test func answersOfWorkersWithoutALeaseAreIgnored() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        #expect(bench.answered(workers[0]) == nil)
        #expect(bench.refused(workers[0]) == nil)
        #expect(bench.answered(WorkerID(place: 5, generation: 1)) == nil)
        #expect(bench.answered(WorkerID(place: 0, generation: 99)) == nil)
        #expect(bench.submit(1).leased == workers[0])
    }

    @Test func staleAnswersDoNotEndTheLeaseOfASuccessor() throws {
        let (bench, worker) = PoolBench.busy()
        let start = try #require(bench.failed(worker, written: true).start)
        _ = bench.submit(1)
        #expect(bench.bringUp(start.id).action.served == 1)
        #expect(bench.answered(worker) == nil)
        #expect(bench.refused(worker) == nil)
        let stale = bench.failed(worker)
        #expect(stale.request == nil && stale.start == nil && !stale.startFailed)
        #expect(bench.machine.running == 1)
        #expect(bench.answered(start.id)?.request == 1)
    }

    @Test func jobsAreCountedForEachEventAndASuccessorIsStartedAtTheLimit() throws {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxJobs: 3))
        _ = bench.submit(1, isClose: true)
        _ = bench.submit(2)
        _ = bench.submit(3)
        #expect(bench.answered(worker)?.next.served == 1)
        #expect(bench.answered(worker)?.next.served == 2)
        // 14 % of 3 is none.
        let last = try #require(bench.answered(worker))
        let start = try #require(last.successor)
        #expect(start.delay == .zero)
        #expect(last.next.served == 3, "it goes on until its successor is ready")
        #expect(bench.bringUp(start.id).stop == nil)
        #expect(bench.answered(worker)?.next.isReplaced == true)
        _ = bench.submit(4)
        let first = try #require(bench.answered(start.id))
        #expect(first.next.isIdle && first.successor == nil, "the successor counts from nought")
    }

    @Test(arguments: [
        (limit: 1, most: 1), (7, 7), (8, 9), (10, 11), (50, 57), (100, 114), (150, 171), (1000, 1140), (12345, 14073),
    ])
    func jitterIsUpToFourteenPercent(limit: Int, most: Int) {
        func jobs(_ random: any RandomNumberGenerator) -> Int {
            let (bench, workers) = PoolBench.running(.init(numWorkers: 1, maxJobs: limit), random: random)
            for job in 1...most + 1 {
                _ = bench.submit(job)
                if bench.answered(workers[0])?.successor != nil {
                    return job
                }
            }
            return 0
        }
        #expect(jobs(ConstantGenerator.lowest) == limit)
        #expect(jobs(ConstantGenerator.highest) == most)
    }

    @Test func jitterDiffersBetweenWorkers() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 100, maxJobs: 1000))
        let limits = workers.map { worker in
            if case .ready(let worker) = bench.machine.roster.state(of: worker) { worker.jobLimit } else { 0 }
        }
        #expect(Set(limits).count > 20)
        #expect(limits.allSatisfy { (1000...1140).contains($0) })
    }

    @Test func aLimitNearTheLargestNumberDoesNotOverflow() {
        let (bench, worker) = PoolBench.busy(.init(numWorkers: 1, maxJobs: .max))
        #expect(bench.answered(worker)?.next.isIdle == true)
    }

    @Test func withoutALimitAWorkerGoesOn() {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 1))
        for request in 0..<2000 {
            #expect(bench.submit(request).leased == workers[0])
            #expect(bench.answered(workers[0])?.next.isIdle == true)
        }
    }
}

/// Always the same number: the lowest or highest of any range.
struct ConstantGenerator: RandomNumberGenerator {
    static let lowest = ConstantGenerator(value: 1)
    static let highest = ConstantGenerator(value: .max)

    let value: UInt64

    func next() -> UInt64 {
        self.value
    }
}
