import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import WorkerPool

/// How a pool starts and ends.
@Suite struct WorkerPoolLifeTests {
    private let loops: [any EventLoop] = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())

    private func pool(_ numWorkers: Int, _ launcher: FakeLauncher) -> WorkerPool {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return WorkerPool(
            configuration: .init(numWorkers: numWorkers),
            launcher: launcher,
            loops: self.loops,
            logger: logger
        )
    }

    @Test func itIsReadyOnceAndEndsWhenItIsClosed() async throws {
        let launcher = FakeLauncher(loops: self.loops)
        let pool = self.pool(3, launcher)
        let calls = Atomic(0)
        try await pool.run {
            calls.add(1, ordering: .relaxed)
            #expect(pool.readyWorkers == 3)
            pool.close()
            pool.close()
        }
        #expect(calls.load(ordering: .relaxed) == 1)
        #expect(launcher.alive == 0)
        #expect(launcher.state.withLock { $0.started.count } == 3)
    }

    @Test func closedBeforeItRunsItStartsNothing() async throws {
        let launcher = FakeLauncher(loops: self.loops)
        let pool = self.pool(3, launcher)
        pool.close()
        try await pool.run { Issue.record("it is not ready") }
        #expect(launcher.state.withLock { $0.started.isEmpty })
    }

    @Test func closedDuringItsStartItKillsWhatIsStarting() async throws {
        let (starts, started) = AsyncStream<Void>.makeStream()
        let launcher = FakeLauncher(
            loops: self.loops,
            start: { _ in
                started.yield()
                return .hang
            }
        )
        let pool = self.pool(2, launcher)
        async let end: Void = pool.run { Issue.record("it is not ready") }
        for await _ in starts {
            break
        }
        pool.close()
        try await end
        #expect(launcher.alive == 0)
    }

    @Test(arguments: [0, 1, 2])
    func aWorkerThatCannotStartIsThrown(place: Int) async throws {
        let launcher = FakeLauncher(loops: self.loops, start: { $0.place == place ? .fail : .ready })
        let pool = self.pool(3, launcher)
        await #expect(throws: WorkerFailure(.start, "no such file")) {
            try await pool.run { Issue.record("it is not ready") }
        }
        #expect(launcher.alive == 0, "none is left")
        #expect(pool.readyWorkers == 0)
        let late = FakeRequest(loop: self.loops[0])
        pool.submit(late)
        #expect(await late.outcome.failure == .poolClosing)
    }

    @Test func aWorkerThatCannotStartLaterIsTriedAgain() async throws {
        let failures = Atomic(0)
        let launcher = FakeLauncher(
            loops: self.loops,
            behavior: { $0.body.readableBytes > 0 ? .die(requestWritten: true) : .answer },
            start: { id in
                let isFirst = id.generation == 1
                return isFirst || failures.add(1, ordering: .relaxed).newValue > 2 ? .ready : .fail
            }
        )
        let pool = self.pool(1, launcher)
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        async let end: Void = pool.run { isReady.yield() }
        for await _ in ready {
            break
        }
        let fatal = FakeRequest(body: "x", loop: self.loops[0])
        pool.submit(fatal)
        let next = FakeRequest(loop: self.loops[0])
        pool.submit(next)
        #expect(await next.outcome.body == "")
        pool.close()
        try await end
        #expect(failures.load(ordering: .relaxed) == 3)
    }

    @Test func closingRefusesWhatWaitsAndAwaitsWhatRuns() async throws {
        let gate = self.loops[0].makePromise(of: Void.self)
        let (served, isServed) = AsyncStream<Void>.makeStream()
        let launcher = FakeLauncher(loops: self.loops) { _ in
            isServed.yield()
            return .hang
        }
        let pool = self.pool(1, launcher)
        async let end: Void = pool.run { gate.succeed() }
        try await gate.futureResult.get()
        let running = FakeRequest(loop: self.loops[0])
        pool.submit(running)
        for await _ in served {
            break
        }
        let waiting = FakeRequest(isLast: true, loop: self.loops[0])
        pool.submit(waiting)
        pool.close()
        #expect(await waiting.outcome.failure == .poolClosing)
        #expect(running.finishedCount == 0)
        let id = try #require(launcher.state.withLock { $0.workers.keys.first })
        pool.workerAnswered(id, .error(message: ByteBuffer()))
        _ = await running.outcome
        // The worker still believes that it is busy.
        pool.kill()
        try await end
        #expect(running.finishedCount == 1)
        #expect(launcher.alive == 0)
    }

    @Test func killingEndsWorkersThatNeverAnswer() async throws {
        let (served, isServed) = AsyncStream<Void>.makeStream()
        let launcher = FakeLauncher(loops: self.loops) { _ in
            isServed.yield()
            return .hang
        }
        let pool = self.pool(2, launcher)
        let requests = (0..<5).map { _ in FakeRequest(loop: self.loops[0]) }
        async let end: Void = pool.run {
            for request in requests {
                pool.submit(request)
            }
        }
        for await _ in served {
            break
        }
        pool.kill()
        try await end
        for request in requests {
            #expect(await request.outcome.failure != nil)
            #expect(request.finishedCount == 1)
        }
        #expect(launcher.alive == 0)
    }

    @Test func cancellingEndsTheWorkers() async throws {
        let launcher = FakeLauncher(loops: self.loops)
        let pool = self.pool(2, launcher)
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        let task = Task { try await pool.run { isReady.yield() } }
        for await _ in ready {
            break
        }
        task.cancel()
        try await task.value
        #expect(launcher.alive == 0)
    }

    /// `WorkerEvents`: an event of a worker that the pool gave up is ignored.
    @Test func theEndOfAWorkerGivenUpLongAgoDoesNotTouchItsSuccessor() async throws {
        let launcher = FakeLauncher(loops: self.loops)
        let pool = self.pool(1, launcher)
        let (ready, isReady) = AsyncStream<Void>.makeStream()
        async let end: Void = pool.run { isReady.yield() }
        for await _ in ready {
            break
        }
        let current = try #require(launcher.state.withLock { $0.workers.keys.first })
        let old = WorkerID(place: current.place, generation: current.generation - 1)
        pool.workerFailed(old, WorkerFailure(.exit, "gone"), begun: 0)
        let hasHandle = pool.state.withLock { $0.processes[current] != nil }
        #expect(hasHandle, "requests leased to the successor would be lost")
        if hasHandle {
            let request = FakeRequest(body: "x", loop: self.loops[0])
            pool.submit(request)
            #expect(await request.outcome.body == "x")
        }
        pool.close()
        pool.kill()
        try await end
    }
}
