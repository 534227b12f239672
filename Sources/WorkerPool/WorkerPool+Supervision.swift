import Logging
import NIOCore
import Synchronization

extension WorkerPool {
    /// Replaces every worker under traffic: a successor is ready before its worker is told to stop.
    ///
    /// - Returns: The reset's number, for ``resetProgress(_:sparing:)``.
    @discardableResult
    package func reset() -> UInt64 {
        self.logger.notice("the workers are being replaced")
        var number: UInt64 = 0
        self.decide { state in
            let actions = state.machine.reset()
            number = state.machine.epoch
            return actions
        }
        return number
    }

    /// Kills a worker that has not finished its requests within the time that a reset allows.
    func limitReset(of id: WorkerID) async {
        guard (try? await Task.sleep(for: .nanoseconds(self.configuration.resetTimeout.nanoseconds))) != nil else {
            return
        }
        self.decide { $0.machine.resetTimedOut(id, now: .now()) }
    }

    /// Changes the limits and the number of workers; workers beyond it stop when they are free.
    package func reconfigure(_ configuration: PoolConfiguration) {
        self.decide { $0.machine.reconfigure(configuration, now: .now()) }
        self.startTicking()
    }

    /// Runs outside the event loops: a tick reads a file per worker.
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
        // Read before taking the lock: it reads a file per worker.
        var memory: [WorkerID: Int] = [:]
        if self.configuration.supervisor.maxWorkerMemory != nil {
            for (id, handle) in self.state.withLock({ $0.processes }) {
                memory[id] = handle.residentMemory
            }
        }
        self.decide { $0.machine.tick(now: .now()) { memory[$0] } }
    }
}
