import Synchronization

/// A task that runs from a feature's start to its stop.
package final class BackgroundTask: Sendable {
    private let task = Mutex<Task<Void, Never>?>(nil)

    package init() {}

    /// Starts the task; call it once.
    package func start(_ body: @escaping @Sendable () async -> Void) {
        self.task.withLock { $0 = Task { await body() } }
    }

    /// Cancels the task and waits for its end.
    package func stop() async {
        let task = self.task.withLock { $0 }
        task?.cancel()
        await task?.value
    }
}
