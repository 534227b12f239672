public import NIOCore
import Synchronization

extension WorkerPool {
    /// Starts the workers and keeps them until the pool is closed and the last process has been reaped.
    ///
    /// - Parameter whenReady: Called once, when all workers have done their handshake.
    /// - Throws: ``WorkerFailure`` when a worker could not be started before the pool was ready; none is left then.
    public func run(whenReady: @Sendable () -> Void) async throws {
        let (actions, isReady) = self.state.withLock { state in
            (state.machine.start(), state.machine.phase == .running)
        }
        self.start(actions)
        if isReady {
            self.issue.yield(.ready)
        }
        self.startTicking()
        defer { self.stopTicking() }
        await withDiscardingTaskGroup { group in
            for await command in self.commands {
                switch command {
                case .ready:
                    whenReady()
                case .start(let action):
                    group.addTask { await self.runWorker(action) }
                }
            }
            // What is left waits to start a worker that is not wanted any more.
            group.cancelAll()
        }
        if let failure = self.state.withLock({ $0.startFailure }) {
            throw failure
        }
    }

    private func runWorker(_ action: PoolStateMachine<any PoolRequest>.StartAction) async {
        if action.delay > .zero {
            // Cut short when the pool closes: the launch below is refused then.
            try? await Task.sleep(for: .nanoseconds(action.delay.nanoseconds))
        }
        guard self.state.withLock({ $0.machine.launch(action.id) }) else {
            return
        }
        await self.launcher.run(action.id, events: self)
        let isClosed = self.state.withLock { state in
            state.processes[action.id] = nil
            return state.machine.reaped()
        }
        if isClosed {
            self.issue.finish()
        }
    }

    /// Stops the workers as they become free; ``run(whenReady:)`` returns when all are reaped. May be called again.
    ///
    /// - Parameter timeout: How long idle workers may take to end; `destroy_timeout` when `nil`.
    public func close(timeout: TimeAmount? = nil) {
        let (action, stopped, killed) = self.state.withLock { state in
            let action = state.machine.close()
            let stopped = action.stop.compactMap { state.handles[$0.place] }
            for id in action.stop {
                state.handles[id.place] = nil
            }
            return (action, stopped, action.kill.compactMap { state.processes[$0] })
        }
        for handle in stopped {
            handle.stop(timeout: timeout ?? self.configuration.destroyTimeout)
        }
        for handle in killed {
            handle.kill()
        }
        for request in action.refused {
            request.finished(.failed(.poolClosing))
        }
        if action.isClosed {
            self.issue.finish()
        }
    }

    /// Closes the pool and kills every worker with its process group.
    public func kill() {
        self.close()
        let handles = self.state.withLock { Array($0.processes.values) }
        for handle in handles {
            handle.kill()
        }
    }
}
