import Logging
import NIOCore
import Synchronization

extension WorkerPool {
    /// How far a worker's start has come.
    package enum StartProgress: Sendable, Hashable {
        case starting
        case ready
        case failed
    }

    /// Starts one more worker, which the pool keeps until the next reload.
    ///
    /// - Parameter maximum: The most workers that the pool may keep.
    /// - Returns: The worker, for ``startProgress(of:)``; `nil` if one that was there stays instead.
    package func addWorker(maximum: Int) throws(PoolSizeFault) -> WorkerID? {
        var result: Result<WorkerID?, PoolSizeFault> = .failure(.notServing)
        self.decide { state in
            var actions = Machine.Actions()
            result = Result { () throws(PoolSizeFault) in
                try state.machine.addWorker(maximum: maximum, &actions)
            }
            return actions
        }
        return try result.get()
    }

    /// Stops one worker and keeps one less until the next reload.
    ///
    /// - Parameter processes: Workers that are spared as long as another can leave.
    package func removeWorker(sparing processes: Set<Int32>) throws(PoolSizeFault) {
        var result: Result<Void, PoolSizeFault> = .failure(.notServing)
        self.decide { state in
            var actions = Machine.Actions()
            result = Result { () throws(PoolSizeFault) in
                try state.machine.removeWorker(sparing: { $0.isAmong(processes) }, &actions)
            }
            return actions
        }
        try result.get()
    }

    package func startProgress(of id: WorkerID) -> StartProgress {
        switch self.state.withLock({ $0.machine.roster.state(of: id) }) {
        case .ready: .ready
        case .absent(.starting), .absent(.backingOff): .starting
        case nil, .absent(.vacant): .failed
        }
    }

    /// How far a reset has come.
    ///
    /// - Parameters:
    ///   - number: What ``reset()`` returned.
    ///   - processes: Workers that are not waited for once their successor is ready; `nil`: no busy one is waited for.
    package func resetProgress(_ number: UInt64, sparing processes: Set<Int32>?) -> ResetProgress {
        self.state.withLock { state in
            state.machine.resetProgress(number) { worker in processes.map { worker.isAmong($0) } ?? true }
        }
    }
}

extension WorkerHandle {
    fileprivate func isAmong(_ processes: Set<Int32>) -> Bool {
        self.processID.map { processes.contains($0) } ?? false
    }
}

// MARK: - Waiting

extension WorkerPool {
    /// How often a change that somebody waits for is looked at: nothing is noted for it on the way of a request.
    private static let interval = Duration.milliseconds(20)

    /// Waits until a worker is ready or has failed, for `allocate_timeout` at most; `starting` after that.
    ///
    /// - Throws: `CancellationError`.
    package func awaitStart(of id: WorkerID) async throws -> StartProgress {
        let deadline = NIODeadline.now() + self.configuration.allocateTimeout
        while true {
            let progress = self.startProgress(of: id)
            guard progress == .starting, NIODeadline.now() < deadline else {
                return progress
            }
            try await Task.sleep(for: Self.interval)
        }
    }

    /// Waits until a reset is over, see ``resetProgress(_:sparing:)``. It always is some time: successors have
    /// `allocate_timeout` each, and few of them fail before the reset is given up; the workers have `reset_timeout`.
    ///
    /// - Parameter processes: Asked each time that the pool is looked at.
    /// - Throws: `CancellationError`.
    package func awaitReset(
        _ number: UInt64,
        sparing processes: () -> Set<Int32>?
    ) async throws -> ResetProgress {
        while true {
            let progress = self.resetProgress(number, sparing: processes())
            guard progress == .running else {
                return progress
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}
