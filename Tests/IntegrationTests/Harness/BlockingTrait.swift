import Foundation
import Testing

/// Runs each job on a thread of its own, so that tests may block: on sockets, on processes, on each other.
final class ThreadExecutor: TaskExecutor {
    static let shared = ThreadExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}

/// Keeps a suite's tests, and the child tasks that they start, off Swift's own few threads.
struct BlockingTrait: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(ThreadExecutor.shared) {
            try await function()
        }
    }
}

extension Trait where Self == BlockingTrait {
    /// The suite's tests block the thread that they run on.
    static var blocking: BlockingTrait { BlockingTrait() }
}
