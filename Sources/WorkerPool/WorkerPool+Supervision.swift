import Logging
import NIOCore
import Synchronization

extension WorkerPool {
    /// Replaces every worker under traffic: a successor is ready before its worker is told to stop.
    public func reset() {
        let actions = self.state.withLock { $0.machine.reset() }
        self.logger.notice("the workers are being replaced")
        self.start(actions)
    }

    /// Changes the limits and the number of workers; workers beyond it stop when they are free.
    public func reconfigure(_ configuration: PoolConfiguration) {
        let (action, stopped, killed) = self.state.withLock { state in
            let action = state.machine.reconfigure(configuration, now: .now())
            return (
                action,
                action.stop.compactMap { self.take($0, from: &state) },
                action.kill.compactMap { state.processes[$0] }
            )
        }
        // One that has not answered its handshake is killed by that, and one that just has is not.
        for handle in killed + stopped {
            handle.stop(timeout: self.stopTimeout)
        }
        self.start(action.start)
        self.startTicking()
    }

    func startTicking() {
        let ticks = self.configuration.tickInterval.map { interval in
            self.loops[0].scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in self.tick() }
        }
        self.state.withLock { state in
            defer { state.ticks = ticks }
            return state.ticks
        }?.cancel()
    }

    func stopTicking() {
        self.state.withLock { state in
            defer { state.ticks = nil }
            return state.ticks
        }?.cancel()
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
        for (handle, request) in killed {
            handle?.kill()
            // Behind the request's own writing, which may still be on its way there.
            self.loops[handle?.loopIndex ?? 0].execute {
                request.finished(.failed(.workerGone(WorkerFailure(.execTTL, "exec_ttl is over"))))
            }
        }
        for handle in stopped {
            handle.stop(timeout: self.stopTimeout)
        }
        for replaced in action.replace {
            self.logger.info(
                "worker is to be replaced",
                metadata: ["worker.id": "\(replaced.id)", "reason": "\(replaced.reason.rawValue)"]
            )
        }
        self.start(action.start)
        for overdue in action.kill {
            self.logger.error("worker was killed: exec_ttl is over", metadata: ["worker.id": "\(overdue.id)"])
        }
    }
}
