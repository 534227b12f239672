import Logging
import NIOCore
import Synchronization

extension WorkerPool {
    /// Replaces every worker under traffic: a successor is ready before its worker is told to stop.
    package func reset() {
        let action = self.state.withLock { $0.machine.reset() }
        self.logger.notice("the workers are being replaced")
        self.timeReset(action.timed)
        self.start(action.start)
    }

    func timeReset(_ workers: [WorkerID]) {
        for id in workers {
            self.issue.yield(.timeReset(id))
        }
    }

    /// Kills a worker that has not finished its event in the time that a reset leaves it.
    func limitReset(of id: WorkerID) async {
        guard (try? await Task.sleep(for: .nanoseconds(self.configuration.resetTimeout.nanoseconds))) != nil else {
            return
        }
        let (action, handle) = self.state.withLock { state in
            let action = state.machine.resetTimedOut(id, now: .now())
            return (action, action == nil ? nil : self.take(id, from: &state))
        }
        guard let action else {
            return
        }
        self.logger.error("worker was killed: reset_timeout is over", metadata: self.metadata(of: id))
        self.start((action.start.map { [$0] } ?? []) + action.more)
        if case .fail(let request, let failure) = action.request {
            self.kill(handle, failing: request, failure)
        }
    }

    /// Kills a worker that has its request for too long.
    private func kill(_ handle: (any WorkerHandle)?, failing request: any PoolRequest, _ failure: RequestFailure) {
        handle?.kill()
        // Behind the request's own writing, which may still be on its way there.
        self.loops[handle?.loopIndex ?? 0].execute {
            request.finished(.failed(failure))
        }
    }

    /// Changes the limits and the number of workers; workers beyond it stop when they are free.
    package func reconfigure(_ configuration: PoolConfiguration) {
        let (action, stopped, killed) = self.state.withLock { state in
            let action = state.machine.reconfigure(configuration, now: .now())
            return (
                action,
                action.stop.compactMap { self.take($0, from: &state) },
                action.kill.compactMap { state.processes[$0] }
            )
        }
        // This kills a worker that has not answered its handshake; one that has answered it just now is asked to stop.
        for handle in killed + stopped {
            handle.stop(timeout: self.stopTimeout)
        }
        self.start(action.start)
        self.startTicking()
    }

    /// On no event loop: a look reads a file for each worker.
    func startTicking() {
        self.state.withLock { state in
            state.ticks?.cancel()
            guard state.machine.phase != .closed, let interval = state.machine.configuration.tickInterval else {
                state.ticks = nil
                return
            }
            state.ticks = Task {
                while (try? await Task.sleep(for: .nanoseconds(interval.nanoseconds))) != nil {
                    self.tick()
                }
            }
        }
    }

    func stopTicking() async {
        let ticks = self.state.withLock { $0.ticks }
        ticks?.cancel()
        await ticks?.value
    }

    private func tick() {
        // Read before the lock is taken: it takes a file for each worker.
        var memory: [WorkerID: Int] = [:]
        if self.configuration.supervisor.maxWorkerMemory != nil {
            for (id, handle) in self.state.withLock({ $0.processes }) {
                memory[id] = handle.residentMemory
            }
        }
        let (action, stopped, killed) = self.state.withLock { state in
            let action = state.machine.tick(now: .now()) { memory[$0] }
            return (
                action,
                action.stop.compactMap { self.take($0, from: &state) },
                action.kill.map { (self.take($0.id, from: &state), $0.request) }
            )
        }
        // Named before the processes are reaped.
        let overdue = action.kill.map { self.metadata(of: $0.id) }
        for (handle, request) in killed {
            self.kill(handle, failing: request, .workerGone(WorkerFailure(.execTTL, "exec_ttl is over")))
        }
        for handle in stopped {
            handle.stop(timeout: self.stopTimeout)
        }
        for replaced in action.replace {
            var metadata = self.metadata(of: replaced.id)
            metadata["reason"] = "\(replaced.reason.rawValue)"
            self.logger.info("worker is to be replaced", metadata: metadata)
        }
        self.start(action.start)
        for worker in overdue {
            self.logger.error("worker was killed: exec_ttl is over", metadata: worker)
        }
    }
}
