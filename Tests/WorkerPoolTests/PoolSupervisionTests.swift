import NIOCore
import Testing

@testable import WorkerPool

@Suite struct PoolSupervisionTests {
    private func configuration(
        _ numWorkers: Int = 1,
        _ change: (inout PoolConfiguration.Supervisor) -> Void
    ) -> PoolConfiguration {
        var configuration = PoolConfiguration(numWorkers: numWorkers)
        change(&configuration.supervisor)
        return configuration
    }

    @Test func withoutLimitsNothingHappens() {
        let bench = PoolBench.busy().bench
        bench.now = bench.now + .hours(1000)
        let action = bench.tick()
        #expect(action.start.isEmpty && action.stop.isEmpty && action.kill.isEmpty && action.replace.isEmpty)
    }

    @Test(arguments: [false, true])
    func ttlReplacesAWorkerSoftly(isBusy: Bool) throws {
        let (bench, workers) = PoolBench.running(self.configuration { $0.ttl = .seconds(10) })
        if isBusy {
            _ = bench.submit(1)
        }
        bench.now = bench.now + .nanoseconds(9_999_999_999)
        #expect(bench.tick().replace.isEmpty)
        bench.now = bench.now + .nanoseconds(1)
        let action = bench.tick()
        #expect(action.replace.map(\.id) == workers)
        #expect(action.replace.map(\.reason) == [.ttl])
        #expect(action.kill.isEmpty && action.stop.isEmpty)
        #expect(action.start.count == 1)
        let again = bench.tick()
        #expect(again.replace.isEmpty && again.start.isEmpty, "once")
        let successor = try #require(action.start.first)
        #expect(bench.bringUp(successor.id).stop == (isBusy ? nil : workers[0]))
    }

    @Test func idleTTLReplacesIdleWorkersOnly() {
        let (bench, workers) = PoolBench.running(self.configuration(2) { $0.idleTTL = .seconds(5) })
        bench.now = bench.now + .seconds(4)
        #expect(bench.submit(1).leased == workers[1])
        bench.now = bench.now + .seconds(2)
        #expect(bench.tick().replace.map(\.id) == [workers[0]])
        bench.answered(workers[1])
        bench.now = bench.now + .seconds(4)
        #expect(bench.tick().replace.isEmpty, "its idleness began with its answer")
        bench.now = bench.now + .seconds(1)
        let action = bench.tick()
        #expect(action.replace.map(\.id) == [workers[1]])
        #expect(action.replace.map(\.reason) == [.idleTTL])
    }

    @Test func memoryReplacesAWorkerSoftly() {
        let (bench, workers) = PoolBench.running(self.configuration(2) { $0.maxWorkerMemory = 100 })
        #expect(bench.tick(memory: [workers[0]: 100]).replace.isEmpty)
        let action = bench.tick(memory: [workers[0]: 101])
        #expect(action.replace.map(\.id) == [workers[0]])
        #expect(action.replace.map(\.reason) == [.memory])
        #expect(action.kill.isEmpty)
    }

    @Test func execTTLKillsAndTheSuccessorStartsAtOnce() throws {
        let (bench, workers) = PoolBench.running(self.configuration(2) { $0.execTTL = .seconds(3) })
        _ = bench.submit(1)
        bench.now = bench.now + .seconds(1)
        _ = bench.submit(2)
        bench.now = bench.now + .seconds(2)
        let action = bench.tick()
        #expect(action.kill.map(\.id) == [workers[1]])
        #expect(action.kill.map(\.request) == [1])
        #expect(action.start.map(\.delay) == [.zero])
        #expect(bench.machine.running == 1)
        #expect(bench.answered(workers[1]) == nil, "its answer is too late")
        #expect(bench.failed(workers[1]).start == nil)
        let successor = try #require(action.start.first)
        #expect(bench.bringUp(successor.id).action.isIdle)
    }

    @Test func execTTLCountsFromTheLease() {
        let (bench, workers) = PoolBench.running(self.configuration { $0.execTTL = .seconds(3) })
        bench.now = bench.now + .seconds(100)
        _ = bench.submit(1)
        #expect(bench.tick().kill.isEmpty)
        _ = bench.submit(2)
        bench.now = bench.now + .seconds(2)
        #expect(bench.answered(workers[0])?.next.served == 2)
        bench.now = bench.now + .seconds(2)
        #expect(bench.tick().kill.isEmpty)
        bench.now = bench.now + .seconds(1)
        #expect(bench.tick().kill.map(\.request) == [2])
    }

    @Test func beforeThePoolIsReadyNobodyIsLookedAt() {
        let bench = PoolBench(self.configuration(2) { $0.ttl = .seconds(1) })
        let ids = bench.start().map(\.id)
        bench.bringUp(ids[0])
        bench.now = bench.now + .seconds(5)
        #expect(bench.tick().replace.isEmpty)
    }
}

@Suite struct TickIntervalTests {
    @Test func withoutLimitsThereIsNone() {
        let configuration = PoolConfiguration(numWorkers: 1)
        #expect(configuration.tickInterval == nil)
    }

    @Test func theWatchTickIsForTheSoftLimits() {
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.supervisor.ttl = .hours(1)
        #expect(configuration.tickInterval == .seconds(5))
        configuration.supervisor.watchTick = .zero
        #expect(configuration.tickInterval == .milliseconds(5), "never less")
    }

    @Test(arguments: [(TimeAmount.seconds(4), TimeAmount.milliseconds(500)), (.hours(1), .seconds(1))])
    func execTTLIsLookedAtMoreOften(limit: TimeAmount, interval: TimeAmount) {
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.supervisor.execTTL = limit
        #expect(configuration.tickInterval == interval)
    }
}
