import Logging
import NIOCore
import Synchronization

extension WorkerPool {
    /// Starts the workers and keeps them until the pool is closed and the last process has been reaped.
    ///
    /// - Parameter whenReady: Called once, when all workers have done their handshake.
    /// - Throws: ``WorkerFailure`` if a worker could not be started before the pool was ready; none is left then.
    package func run(whenReady: @Sendable () -> Void) async throws {
        self.decide { $0.machine.start() }
        self.startTicking()
        await withDiscardingTaskGroup { group in
            for await command in self.commands {
                switch command {
                case .becomeReady:
                    whenReady()
                case .start(let start):
                    group.addTask { await self.runWorker(start) }
                case .timeReset(let id):
                    group.addTask { await self.limitReset(of: id) }
                }
            }
            // The remaining tasks only wait: before the start of a worker that is no longer wanted, or for the end of a
            // worker's reset_timeout.
            group.cancelAll()
        }
        await self.stopTicking()
        if let failure = self.state.withLock({ $0.startFailure }) {
            throw failure
        }
    }

    private func runWorker(_ start: WorkerStart) async {
        if start.delay > .zero {
            // Cancelled when the pool closes: the launch below is then refused.
            try? await Task.sleep(for: .nanoseconds(start.delay.nanoseconds))
        }
        let (launch, slot) = self.state.withLock { state in
            (state.machine.launch(start.id), state.machine.roster.places[start.id.place].slot)
        }
        switch launch {
        case .go:
            break
        case .cancel:
            return
        case .wait(let lost):
            return self.makeRoom(for: start.id, killing: lost)
        }
        await self.launcher.run(start.id, slot: slot, events: self)
        self.decide { state in
            state.processes[start.id] = nil
            state.processIDs[start.id] = nil
            return state.machine.reaped(start.id, now: .now())
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

    /// Gives up requests that wait for a worker, and kills the workers that have one: from now on only last requests
    /// are served, by free workers.
    ///
    /// - Returns: The number of requests given up.
    package func cutOffRequests() -> Int {
        var count = 0
        self.decide { state in
            count = state.machine.phase == .running ? state.machine.ordinaryRequests : 0
            return state.machine.cutOffRequests(now: .now())
        }
        return count
    }

    /// Stops the workers as they become free; ``run(whenReady:)`` returns when all are reaped. May be called again.
    ///
    /// - Parameter timeout: How long workers may take from now on to end after they were asked to; `destroy_timeout` if
    ///   `nil`, or if that is less.
    /// - Returns: The number of waiting requests that were refused.
    @discardableResult
    package func close(timeout: TimeAmount? = nil) -> Int {
        var refused = 0
        self.decide { state in
            refused = state.machine.waiting
            state.closeDeadline = state.closeDeadline ?? timeout.map { .now() + $0 }
            return state.machine.close()
        }
        return refused
    }

    /// How long a worker may take to stop.
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
