import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import WorkerPool

/// The pool with workers that have no process.
@Suite struct WorkerPoolTests {
    private let loops: [any EventLoop] = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())

    private func pool(_ configuration: PoolConfiguration, _ launcher: FakeLauncher) -> WorkerPool {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return WorkerPool(configuration: configuration, launcher: launcher, loops: self.loops, logger: logger)
    }

    /// Runs a pool until `body` returns, then closes it; checks that nothing is left.
    private func running(
        _ configuration: PoolConfiguration,
        _ launcher: FakeLauncher,
        body: (WorkerPool) async throws -> Void
    ) async throws {
        let pool = self.pool(configuration, launcher)
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        async let end: Void = pool.run { isReady.yield() }
        for await _ in ready {
            break
        }
        do {
            try await body(pool)
        } catch {
            pool.kill()
            throw error
        }
        pool.close()
        try await end
        #expect(launcher.alive == 0)
        #expect(launcher.state.withLock { $0.violations } == 0, "a worker had two requests, or was stopped with one")
    }

    private func request(isLast: Bool = false, body: String = "") -> FakeRequest {
        FakeRequest(isLast: isLast, body: body, loop: self.loops[0])
    }

    @Test func aRequestIsAnswered() async throws {
        try await self.running(.init(numWorkers: 2), FakeLauncher(loops: self.loops)) { pool in
            #expect(pool.readyWorkers == 2)
            let request = self.request(body: "hello")
            pool.submit(request)
            #expect(await request.outcome.body == "hello")
            #expect(request.finishedCount == 1)
        }
    }

    @Test func everyRequestOfManyThreadsIsFinishedOnce() async throws {
        let counter = Atomic(UInt64(0))
        let launcher = FakeLauncher(loops: self.loops) { _ in
            var random = SeededGenerator(seed: counter.add(1, ordering: .relaxed).newValue)
            return switch Int.random(in: 0..<100, using: &random) {
            case 0..<4: .refuse
            case 4..<8: .die(requestWritten: false)
            case 8..<12: .die(requestWritten: true)
            case 12..<16: .answerAndBreak
            case 16..<20: .answerWithError
            default: .answer
            }
        }
        var configuration = PoolConfiguration(numWorkers: 4, maxJobs: 50)
        configuration.backoff.shortest = .microseconds(10)
        configuration.backoff.longest = .microseconds(100)
        try await self.running(configuration, launcher) { pool in
            let loops = self.loops
            let requests = try await withThrowingTaskGroup(of: [FakeRequest].self) { group in
                for thread in 0..<4 {
                    group.addTask {
                        let requests = (0..<500).map { number in
                            let index = number % loops.count
                            let isLast = number % 7 == 0
                            let body = "\(thread).\(number)"
                            return FakeRequest(isLast: isLast, body: body, loopIndex: index, loop: loops[index])
                        }
                        for request in requests {
                            pool.submit(request)
                            if Bool.random() {
                                _ = await request.outcome
                            }
                        }
                        return requests
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            for request in requests {
                let outcome = await request.outcome
                if let body = outcome.body {
                    #expect(body == String(buffer: request.body), "it got another one's answer")
                }
            }
            #expect(requests.count == 2000)
            #expect(requests.allSatisfy { $0.finishedCount == 1 })
            #expect(pool.state.withLock { $0.machine.waiting + $0.machine.running } == 0)
        }
    }

    @Test func requestsThatWaitAreServedInOrder() async throws {
        let order = Mutex<[String]>([])
        let launcher = FakeLauncher(loops: self.loops) { event in
            order.withLock { $0.append(String(buffer: event.body)) }
            return .answer
        }
        try await self.running(.init(numWorkers: 1), launcher) { pool in
            let requests = (0..<100).map { self.request(isLast: $0 % 3 == 0, body: "\($0)") }
            for request in requests {
                pool.submit(request)
            }
            for request in requests {
                _ = await request.outcome
            }
        }
        #expect(order.withLock { $0 } == (0..<100).map { "\($0)" })
    }

    @Test func aRequestThatAllRefuseFailsAfterThreeWorkers() async throws {
        let launcher = FakeLauncher(loops: self.loops) { _ in .refuse }
        try await self.running(.init(numWorkers: 2), launcher) { pool in
            let request = self.request()
            pool.submit(request)
            #expect(await request.outcome.failure == .refusedByWorkers(attempts: 3))
        }
    }

    @Test func aWorkerThatDiesFailsItsRequestOnly() async throws {
        let launcher = FakeLauncher(loops: self.loops) { event in
            event.body.readableBytes > 0 ? .die(requestWritten: true) : .answer
        }
        try await self.running(.init(numWorkers: 1), launcher) { pool in
            let victim = self.request(body: "x")
            let next = self.request()
            pool.submit(victim)
            pool.submit(next)
            #expect(await victim.outcome.failure == .workerGone(WorkerFailure(.exit, "gone")))
            #expect(await next.outcome.body == "")
        }
    }

    @Test func whoWaitsTooLongIsToldSo() async throws {
        let launcher = FakeLauncher(loops: self.loops) { _ in .hang }
        let configuration = PoolConfiguration(numWorkers: 1, allocateTimeout: .milliseconds(1))
        try await self.running(configuration, launcher) { pool in
            let busy = self.request()
            let waiting = self.request()
            pool.submit(busy)
            pool.submit(waiting)
            #expect(await waiting.outcome.failure == .noFreeWorkers)
            #expect(busy.finishedCount == 0)
            pool.kill()
            #expect(await busy.outcome.failure == .workerGone(WorkerFailure(.exit, "killed")))
        }
    }

    @Test func whatIsOverTheQueueLimitIsRefusedAtOnce() async throws {
        let launcher = FakeLauncher(loops: self.loops) { _ in .hang }
        try await self.running(.init(numWorkers: 1, maxQueueSize: 1), launcher) { pool in
            pool.submit(self.request())
            let refused = self.request()
            pool.submit(refused)
            #expect(refused.finishedCount == 1)
            #expect(await refused.outcome.failure == .queueFull)
            pool.kill()
        }
    }

    @Test func execTTLKillsTheWorkerAndFailsItsRequest() async throws {
        let launcher = FakeLauncher(loops: self.loops) { event in
            event.body.readableBytes > 0 ? .hang : .answer
        }
        var configuration = PoolConfiguration(numWorkers: 1)
        configuration.supervisor.execTTL = .milliseconds(300)
        try await self.running(configuration, launcher) { pool in
            let slow = self.request(body: "x")
            pool.submit(slow)
            guard case .workerGone(let failure) = await slow.outcome.failure else {
                Issue.record("it was not failed")
                return
            }
            #expect(failure.code == .execTTL)
            let next = self.request(isLast: true)
            pool.submit(next)
            #expect(await next.outcome.body == "")
            #expect(slow.finishedCount == 1)
        }
    }

    @Test func aResetReplacesEveryWorkerUnderTraffic() async throws {
        let launcher = FakeLauncher(loops: self.loops)
        try await self.running(.init(numWorkers: 4), launcher) { pool in
            let before = Set(launcher.state.withLock { $0.workers.keys })
            pool.reset()
            while launcher.state.withLock({ !before.isDisjoint(with: $0.workers.keys) }) {
                let request = self.request(body: "x")
                pool.submit(request)
                #expect(await request.outcome.body == "x")
                #expect(pool.readyWorkers >= 4)
            }
        }
    }

    @Test func reconfiguringChangesTheNumberOfWorkers() async throws {
        let launcher = FakeLauncher(loops: self.loops)
        try await self.running(.init(numWorkers: 4), launcher) { pool in
            pool.reconfigure(.init(numWorkers: 1))
            #expect(pool.readyWorkers == 1)
            pool.reconfigure(.init(numWorkers: 3))
            while pool.readyWorkers < 3 {
                let request = self.request()
                pool.submit(request)
                _ = await request.outcome
            }
            #expect(pool.readyWorkers == 3)
        }
    }
}
