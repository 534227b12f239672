import NIOCore
import Testing

@testable import WorkerPool

/// A worker with several requests.
@Suite struct PoolPipelineTests {
    private func configuration(_ numWorkers: Int = 1, depth: Int = 4) -> PoolConfiguration {
        var configuration = PoolConfiguration(numWorkers: numWorkers)
        configuration.pipeline = .fixed(depth)
        return configuration
    }

    /// A running pool whose workers pipeline; the first requests, 0…, are given out.
    private func busy(
        _ configuration: PoolConfiguration,
        requests: Int,
        closes: Set<Int> = [],
        isMeasured: Bool = false
    ) -> (bench: PoolBench, workers: [WorkerID]) {
        let (bench, workers) = PoolBench.running(configuration, isMeasured: isMeasured)
        for worker in workers {
            bench.pipelines(worker)
        }
        for request in 0..<requests {
            bench.submit(request, isClose: closes.contains(request))
        }
        return (bench, workers)
    }

    @Test func freeWorkersComeFirstThenThoseWithTheFewest() {
        let (bench, workers) = self.busy(self.configuration(2, depth: 2), requests: 0)
        #expect(bench.submit(0).leased == workers[1])
        #expect(bench.submit(1).leased == workers[0])
        let behind = [bench.submit(2).leased, bench.submit(3).leased]
        #expect(Set(behind) == Set(workers))
        #expect(bench.submit(4).waits)
        #expect(bench.machine.running == 4 && bench.machine.waiting == 1)
    }

    @Test func noneIsGivenBehindAnotherBeforeTheWorkerPipelines() {
        let (bench, worker) = PoolBench.busy(self.configuration())
        #expect(bench.submit(1).waits)
        #expect(bench.pipelines(worker).serves.map(\.request) == [1])
        #expect(bench.submit(2).leased == worker)
    }

    @Test func answersEndTheFirstLeasesAndTheWorkerIsFilledUp() {
        let (bench, workers) = self.busy(self.configuration(depth: 3), requests: 6)
        let outcome = bench.answers(workers[0], 2)
        #expect(outcome.finished.map(\.request) == [0, 1])
        #expect(outcome.finished.map(\.answer) == [0, 1])
        #expect(outcome.serves.map(\.request) == [3, 4])
        #expect(bench.answers(workers[0], 3).finished.map(\.request) == [2, 3, 4])
        #expect(bench.answers(workers[0], 1).finished.map(\.request) == [5])
        #expect(bench.machine.roster.free == [[0]])
    }

    @Test func theQueueLimitCountsThemAll() {
        var configuration = self.configuration(depth: 4)
        configuration.maxQueueSize = 3
        let (bench, workers) = self.busy(configuration, requests: 3)
        #expect(bench.submit(3).failure == .queueFull)
        #expect(bench.submit(4, isClose: true).leased == workers[0])
    }

    @Test func aDepthMadeSmallerIsReachedAsItAnswers() {
        let (bench, workers) = self.busy(self.configuration(depth: 3), requests: 3)
        bench.reconfigure(self.configuration(depth: 2))
        bench.submit(3)
        #expect(bench.answers(workers[0], 1).serves.isEmpty)
        #expect(bench.answers(workers[0], 1).serves.map(\.request) == [3])
    }

    // MARK: The end of a worker

    @Test func onlyWhatItHadBegunFailsWithIt() throws {
        let (bench, workers) = self.busy(self.configuration(), requests: 4)
        let outcome = bench.fails(workers[0], begun: 2)
        #expect(outcome.failed.map(\.request) == [0, 1])
        #expect(outcome.failed.allSatisfy { $0.failure == .workerGone(.gone) })
        #expect(bench.machine.waiting == 2)
        let successor = try #require(outcome.start.first).id
        #expect(bench.bringUp(successor).action.served == 2)
        #expect(bench.answered(successor)?.next.served == 3)
    }

    @Test func whatItHadNotBegunGoesToFreeWorkersInOrder() {
        let (bench, workers) = self.busy(self.configuration(3, depth: 4), requests: 6)
        // All but the first have answered.
        let all = bench.machine.roster.places.map { place -> Int in
            if case .ready(let worker) = place.state { worker.leases.count } else { 0 }
        }
        #expect(all == [2, 2, 2])
        bench.answers(workers[1], 2)
        bench.answers(workers[2], 2)
        let outcome = bench.fails(workers[0], begun: 0)
        #expect(outcome.serves.map(\.request).count == 2)
        #expect(outcome.serves.map(\.request) == outcome.serves.map(\.request).sorted())
        #expect(Set(outcome.serves.map(\.id)) == [workers[1], workers[2]], "each alone")
    }

    @Test func theLastOneToBeReapedWithoutAWordFailsAll() {
        let (bench, workers) = self.busy(self.configuration(), requests: 3)
        let outcome = bench.reap(workers[0])
        #expect(outcome.failed.map(\.request) == [0, 1, 2])
        #expect(outcome.start.count == 1)
        #expect(bench.machine.unavailableSince == bench.now)
    }

    @Test func maxJobsCountsEachAndTheWorkerGoesOn() throws {
        var configuration = self.configuration()
        configuration.maxJobs = 3
        let (bench, workers) = self.busy(configuration, requests: 4)
        #expect(bench.answers(workers[0], 2).start.isEmpty)
        let start = try #require(bench.answers(workers[0], 1).start.first)
        #expect(bench.submit(4).leased == workers[0], "it goes on until its successor is ready")
        let welcome = bench.bringUp(start.id)
        #expect(welcome.stop == nil)
        #expect(bench.submit(5).leased == start.id)
        bench.pipelines(start.id)
        #expect(bench.submit(6).leased == start.id, "nothing is given to a worker that leaves")
        #expect(bench.answers(workers[0], 1).stop.isEmpty)
        #expect(bench.answers(workers[0], 1).stop == workers)
    }

    // MARK: Kills

    @Test func execTTLCountsFromWhenARequestBecomesTheFirst() {
        var configuration = self.configuration()
        configuration.supervisor.execTTL = .seconds(3)
        let (bench, workers) = self.busy(configuration, requests: 3)
        bench.now = bench.now + .seconds(2)
        bench.answers(workers[0], 1)
        bench.now = bench.now + .seconds(2)
        #expect(bench.tick().kill.isEmpty)
        bench.now = bench.now + .seconds(1)
        let outcome = bench.tick()
        #expect(outcome.kill.map(\.request) == [1])
        #expect(outcome.failed.isEmpty && outcome.start.isEmpty, "the next one waits for the worker's end")
        #expect(bench.machine.running == 1)
        #expect(bench.tick().kill.isEmpty, "once")
        #expect(bench.submit(3).waits)
        let end = bench.fails(workers[0], begun: 1)
        #expect(end.failed.isEmpty, "the first was failed, the second not begun")
        #expect(bench.machine.waiting == 2)
        #expect(bench.machine.measures.restarts == [.execTTL: 1])
        #expect(end.start.count == 1)
    }

    @Test func whatAWorkerThatIsKilledStillAnswersIsTakenForItsOwnRequests() {
        var configuration = self.configuration()
        configuration.supervisor.execTTL = .seconds(3)
        let (bench, workers) = self.busy(configuration, requests: 3)
        bench.now = bench.now + .seconds(3)
        #expect(bench.tick().kill.map(\.request) == [0])
        // It was not dead yet.
        let outcome = bench.answers(workers[0], 2)
        #expect(outcome.finished.map(\.request) == [1])
        #expect(outcome.finished.map(\.answer) == [1], "the first answer is of the request that was failed")
        #expect(outcome.stop.isEmpty && outcome.serves.isEmpty)
        let end = bench.fails(workers[0], begun: 1)
        #expect(end.failed.map(\.request) == [2])
        guard case .workerGone(let failure) = end.failure else {
            Issue.record("\(end.failed)")
            return
        }
        #expect(failure.code == .execTTL, "it was killed")
    }

    @Test func oneThatIsKilledAndHasAnsweredAllIsGivenNothing() {
        var configuration = self.configuration()
        configuration.supervisor.execTTL = .seconds(3)
        let (bench, workers) = self.busy(configuration, requests: 2)
        bench.now = bench.now + .seconds(3)
        _ = bench.tick()
        bench.answers(workers[0], 2)
        #expect(bench.submit(2).waits)
        #expect(bench.fails(workers[0], begun: 0).start.count == 1)
    }

    @Test func aRequestThatAWorkerIsKilledForCountsAsSlow() {
        var configuration = self.configuration(3)
        configuration.pipeline = .auto(wait: .microseconds(500))
        configuration.supervisor.execTTL = .seconds(3)
        let (bench, workers) = self.busy(configuration, requests: 0)
        for request in 0..<100 {
            let worker = bench.submit(request).leased ?? workers[0]
            bench.now = bench.now + .microseconds(10)
            bench.answers(worker, 1)
        }
        for request in 100..<104 {
            #expect(!bench.submit(request).waits, "quick ones are given behind others")
        }
        bench.now = bench.now + .seconds(3)
        #expect(bench.tick().kill.count == 3)
        bench.fails(workers[0], begun: 1)
        bench.fails(workers[1], begun: 1)
        bench.fails(workers[2], begun: 1)
        #expect(bench.machine.times.depth(wait: .microseconds(500), most: 64) == 1)
    }

    @Test func aWorkerKilledTwiceIsOneRestart() {
        var configuration = self.configuration()
        configuration.supervisor.execTTL = .seconds(3)
        let (bench, workers) = self.busy(configuration, requests: 3)
        bench.now = bench.now + .seconds(3)
        #expect(bench.tick().kill.map(\.request) == [0])
        bench.answers(workers[0], 1)
        bench.now = bench.now + .seconds(3)
        #expect(bench.tick().kill.map(\.request) == [1])
        bench.fails(workers[0], begun: 1)
        #expect(bench.machine.measures.restarts == [.execTTL: 1])
    }

    @Test func resetTimeoutKillsTheFirstAndLeavesTheRestToOthers() throws {
        let (bench, workers) = self.busy(self.configuration(), requests: 3)
        let successor = try #require(bench.reset().first).id
        #expect(bench.bringUp(successor).resetTimed == workers[0])
        let outcome = try #require(bench.resetTimedOut(workers[0]))
        #expect(outcome.kill.map(\.request) == [0])
        let end = bench.fails(workers[0], begun: 1)
        #expect(end.serves.map(\.request) == [1], "the successor is free")
        #expect(bench.machine.waiting == 1)
        #expect(end.start.isEmpty)
        #expect(bench.machine.processes.leaving == [workers[0]], "it was on its way out")
        #expect(bench.machine.measures.restarts == [.reset: 1])
    }

    // MARK: Refusals

    @Test func theLastAnswerOfAWorkerSendsAllThatItHadToOthers() throws {
        let (bench, workers) = self.busy(self.configuration(), requests: 3)
        let outcome = bench.refuses(workers[0], isLast: true)
        #expect(outcome.stop == workers && outcome.failed.isEmpty)
        #expect(bench.machine.waiting == 3)
        let successor = try #require(outcome.start.first).id
        var served = [bench.bringUp(successor).action.served]
        served += (0..<2).map { _ in bench.answered(successor)?.next.served }
        #expect(served == [0, 1, 2])
    }

    @Test func aWorkerThatHandlesThoseBehindItsRefusalKeepsThem() throws {
        let (bench, workers) = self.busy(self.configuration(), requests: 3)
        let outcome = bench.refuses(workers[0], isLast: false)
        #expect(outcome.stop == workers)
        #expect(outcome.start.isEmpty, "it has its place until it leaves")
        #expect(bench.machine.waiting == 1 && bench.machine.running == 2)
        #expect(bench.submit(3).waits, "it is given nothing")
        #expect(bench.answers(workers[0], 1).finished.map(\.request) == [1])
        let last = bench.answers(workers[0], 1)
        #expect(last.finished.map(\.request) == [2])
        let successor = try #require(last.start.first)
        #expect(successor.delay == .zero)
        #expect(bench.bringUp(successor.id).action.served == 0)
        #expect(bench.machine.measures.restarts == [.requested: 1])
    }

    @Test func whereItEndsAfterItsRefusalTheRestIsTriedAgain() {
        let (bench, workers) = self.busy(self.configuration(), requests: 3)
        bench.refuses(workers[0], isLast: false)
        let outcome = bench.fails(workers[0], begun: 1)
        #expect(outcome.failed.map(\.request) == [1])
        #expect(bench.machine.waiting == 2)
        #expect(outcome.start.count == 1)
        #expect(bench.machine.measures.restarts == [.requested: 1])
    }

    // MARK: The cut-off

    @Test func anOrdinaryRequestBehindALastOneIsNotBegunAfterTheCutOff() throws {
        let (bench, workers) = self.busy(self.configuration(), requests: 3, closes: [0])
        bench.submit(3, isClose: true)
        #expect(bench.cutOff().kill.isEmpty, "a last request is the first")
        let outcome = bench.answers(workers[0], 1)
        #expect(outcome.finished.map(\.request) == [0])
        #expect(outcome.kill.map(\.request) == [1])
        #expect(outcome.serves.isEmpty)
        let end = bench.fails(workers[0], begun: 1)
        #expect(end.failed.map(\.request) == [2])
        #expect(end.failure == .poolClosing, "it was not begun")
        let successor = try #require(end.start.first).id
        #expect(bench.bringUp(successor).action.served == 3)
    }

    /// The killed worker is gone from its place at once: nothing more may be given to it.
    @Test func theLastRequestThatWaitsThenGoesToAnotherWorker() throws {
        let (bench, workers) = self.busy(self.configuration(depth: 2), requests: 2, closes: [0])
        bench.submit(2, isClose: true)
        _ = bench.cutOff()
        let outcome = bench.answers(workers[0], 1)
        #expect(outcome.kill.map(\.request) == [1])
        #expect(bench.machine.isGone(workers[0]))
        #expect(outcome.serves.isEmpty)
        let successor = try #require(outcome.start.first).id
        #expect(bench.bringUp(successor).action.served == 2)
    }

    @Test func theSameBehindARefusal() throws {
        let (bench, workers) = self.busy(self.configuration(depth: 2), requests: 2, closes: [0])
        _ = bench.cutOff()
        let outcome = bench.refuses(workers[0], isLast: false)
        #expect(outcome.kill.map(\.request) == [1])
        let successor = try #require(outcome.start.first).id
        #expect(bench.bringUp(successor).action.served == 0)
    }

    /// It had no successor of its own.
    @Test func oneIsStartedWhenTheOneThatIsKilledWasTheLastAndRetiring() throws {
        let (bench, workers) = self.busy(self.configuration(depth: 2), requests: 2, closes: [0])
        let first = try #require(bench.reset().first).id
        #expect(bench.bringUp(first).resetTimed == workers[0])
        bench.submit(2, isClose: true)
        _ = bench.cutOff()
        // The successor ends, and the retiring worker is left.
        #expect(bench.fails(first, begun: 0).start.isEmpty)
        let outcome = bench.answers(workers[0], 1)
        #expect(outcome.kill.map(\.request) == [1])
        let next = try #require(outcome.start.first).id
        #expect(bench.bringUp(next).action.served == 2)
    }

    // MARK: Measures

    @Test func aRequestWaitsUntilItIsTheFirst() {
        let (bench, workers) = self.busy(self.configuration(), requests: 3, isMeasured: true)
        bench.now = bench.now + .milliseconds(10)
        bench.answers(workers[0], 1)
        bench.now = bench.now + .milliseconds(5)
        bench.answers(workers[0], 2)
        let measures = bench.machine.measures
        #expect(measures.waits.count == 3)
        #expect(abs(measures.waits.sum - 0.025) < 1e-9, "none, 10 ms, and 15 ms: it was answered with the second")
        #expect(measures.workerTimes.count == 3)
        #expect(abs(measures.workerTimes.sum - 0.015) < 1e-9)
    }

    @Test func aRequestWaitsForTheRefusalOfTheOneBeforeIt() {
        let (bench, workers) = self.busy(self.configuration(), requests: 2, isMeasured: true)
        bench.now = bench.now + .milliseconds(10)
        bench.refuses(workers[0], isLast: false)
        #expect(bench.machine.measures.waits.count == 2)
        #expect(abs(bench.machine.measures.waits.sum - 0.01) < 1e-9)
    }
}
