import Logging
import NIOCore
import Synchronization

extension WorkerPool {
    /// Starts the workers and keeps them until the pool is closed and the last process has been reaped.
    ///
    /// - Parameter whenReady: Called once, when all workers have done their handshake.
    /// - Throws: ``WorkerFailure`` when a worker could not be started before the pool was ready; none is left then.
    package func run(whenReady: @Sendable () -> Void) async throws {
        let (actions, isReady) = self.state.withLock { state in
            (state.machine.start(), state.machine.phase == .running)
        }
        self.start(actions)
        if isReady {
            self.issue.yield(.ready)
        }
        self.startTicking()
        await withDiscardingTaskGroup { group in
            for await command in self.commands {
                switch command {
                case .ready:
                    whenReady()
                case .start(let action):
                    group.addTask { await self.runWorker(action) }
                case .timeReset(let id):
                    group.addTask { await self.limitReset(of: id) }
                }
            }
            // The tasks that are left only wait: before the start of a worker that is not wanted any more, or for the end
            // of a worker's reset_timeout.
            group.cancelAll()
        }
        await self.stopTicking()
        if let failure = self.state.withLock({ $0.startFailure }) {
            throw failure
        }
    }

    private func runWorker(_ action: PoolStateMachine<any PoolRequest>.StartAction) async {
        if action.delay > .zero {
            // Cut short when the pool closes: the launch below is refused then.
            try? await Task.sleep(for: .nanoseconds(action.delay.nanoseconds))
        }
        switch self.state.withLock({ $0.machine.launch(action.id) }) {
        case .go:
            break
        case .cancel:
            return
        case .wait(let lost):
            return self.makeRoom(for: action.id, killing: lost)
        }
        await self.launcher.run(action.id, events: self)
        let reaped = self.state.withLock { state in
            state.processes[action.id] = nil
            state.processIDs[action.id] = nil
            return state.machine.reaped(action.id)
        }
        self.start(reaped.start)
        if reaped.isClosed {
            self.issue.finish()
        }
    }

    private func makeRoom(for id: WorkerID, killing lost: WorkerID?) {
        self.logger.debug(
            "a worker's start waits for the end of one that was given up",
            metadata: ["waiting.id": "\(id)"].merging(lost.map { self.metadata(of: $0) } ?? [:]) { $1 }
        )
        let handle = self.state.withLock { state in lost.flatMap { state.processes[$0] } }
        handle?.kill()
    }

    /// Gives up what waits for a worker, and kills the workers that have a request: `CLOSE` alone is served from now on,
    /// and goes to those that are free.
    ///
    /// - Returns: How many requests were given up.
    package func cutOffRequests() -> Int {
        let (action, killed) = self.state.withLock { state in
            let action = state.machine.cutOffRequests(now: .now())
            return (action, action.kill.map { (self.take($0.id, from: &state), $0.request) })
        }
        for (handle, request) in killed {
            handle?.kill()
            // Behind the request's own writing, which may still be on its way there.
            self.loops[handle?.loopIndex ?? 0].execute {
                request.finished(.failed(.workerGone(.graceIsOver)))
            }
        }
        for request in action.refused {
            request.finished(.failed(.poolClosing))
        }
        self.start(action.start)
        return action.refused.count + action.kill.count
    }

    /// Stops the workers as they become free; ``run(whenReady:)`` returns when all are reaped. May be called again.
    ///
    /// - Parameter timeout: How long workers may take from now on to end once they were asked to; `destroy_timeout` when
    ///   `nil`, or when that is less.
    /// - Returns: How many requests that waited were refused.
    @discardableResult
    package func close(timeout: TimeAmount? = nil) -> Int {
        let (action, stopped) = self.state.withLock { state in
            let action = state.machine.close()
            state.closeDeadline = state.closeDeadline ?? timeout.map { .now() + $0 }
            let stopped = action.stop.compactMap { self.take($0, from: &state) }
            return (action, stopped + action.kill.compactMap { state.processes[$0] })
        }
        // This kills a worker that has not answered its handshake; one that has answered it just now is asked to stop.
        for handle in stopped {
            handle.stop(timeout: self.stopTimeout)
        }
        for request in action.refused {
            request.finished(.failed(.poolClosing))
        }
        if action.isClosed {
            self.issue.finish()
        }
        return action.refused.count
    }

    /// How long a worker that is asked to stop may take.
    var stopTimeout: TimeAmount {
        self.state.withLock { state in
            let timeout = state.machine.configuration.destroyTimeout
            return state.closeDeadline.map { max(.milliseconds(1), min(timeout, $0 - .now())) } ?? timeout
        }
    }

    /// Closes the pool and kills every worker with its process group.
    package func kill() {
        self.close()
        let handles = self.state.withLock { Array($0.processes.values) }
        for handle in handles {
            handle.kill()
        }
    }
}
