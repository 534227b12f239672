import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import WorkerPool

/// The pool with workers that have no process and are given several requests at once.
@Suite struct WorkerPoolPipelineTests {
    private let loops: [any EventLoop] = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())

    /// Workers that do all that a worker may do with a request.
    private func launcher() -> FakeLauncher {
        let counter = Atomic(UInt64(0))
        return FakeLauncher(loops: self.loops, pipelines: true) { _ in
            var random = SeededGenerator(seed: counter.add(1, ordering: .relaxed).newValue)
            return switch Int.random(in: 0..<200, using: &random) {
            case 0..<2: .refuse
            case 2..<4: .refuseOnly
            case 4..<10: .dieAmid(begun: .random(in: 0...4, using: &random))
            case 10..<12: .answerAndBreak
            case 12..<16: .answerWithError
            case 16 where Int.random(in: 0..<10, using: &random) == 0: .hang
            default: .answer
            }
        }
    }

    @Test(arguments: [PoolConfiguration.Pipeline.fixed(8), .fixed(64), .auto(wait: .milliseconds(5))])
    func everyRequestOfManyThreadsIsFinishedOnce(pipeline: PoolConfiguration.Pipeline) async throws {
        var configuration = PoolConfiguration(numWorkers: 4, maxJobs: 200)
        configuration.pipeline = pipeline
        configuration.backoff.shortest = .microseconds(10)
        configuration.backoff.longest = .microseconds(100)
        configuration.supervisor.execTTL = .milliseconds(50)
        let launcher = self.launcher()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let pool = WorkerPool(configuration: configuration, launcher: launcher, loops: self.loops, logger: logger)
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        async let end: Void = pool.run { isReady.yield() }
        for await _ in ready {
            break
        }
        let loops = self.loops
        let requests = await withTaskGroup(of: [FakeRequest].self) { group in
            for thread in 0..<4 {
                group.addTask {
                    var requests: [FakeRequest] = []
                    for number in 0..<1500 {
                        let index = (thread + number) % loops.count
                        let request = FakeRequest(
                            isLast: number % 7 == 0,
                            body: "\(thread).\(number)",
                            loopIndex: index,
                            loop: loops[index]
                        )
                        requests.append(request)
                        pool.submit(request)
                        if number.isMultiple(of: 25) {
                            _ = await request.outcome
                        }
                        if thread == 0, number.isMultiple(of: 500) {
                            pool.reset()
                        }
                    }
                    return requests
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        var answered = 0
        for request in requests {
            if let body = await request.outcome.body {
                #expect(body == String(buffer: request.body), "it got another one's answer")
                answered += 1
            }
        }
        #expect(requests.count == 6000)
        #expect(requests.allSatisfy { $0.finishedCount == 1 })
        #expect(answered > 3000)
        pool.close()
        pool.kill()
        try await end
        #expect(requests.allSatisfy { $0.finishedCount == 1 })
        #expect(pool.requests == 0)
        #expect(launcher.alive == 0)
        launcher.state.withLock { state in
            #expect(state.deepest > 1, "no worker had several requests")
            if case .fixed(let depth) = pipeline {
                #expect(state.deepest <= depth)
            }
            #expect(state.violations == 0, "a worker was stopped with a request")
        }
    }
}
