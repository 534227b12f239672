import Dispatch

/// Calls that may block for long, a name's lookup say: on a thread of their own instead of one that tasks or event loops
/// share, of which there may be just one.
package enum BlockingCall {
    /// Runs a call; when the task is cancelled the call is left to itself and not waited for.
    ///
    /// - Throws: The call's error, or `CancellationError`.
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        let (results, tell) = AsyncThrowingStream<Result, any Error>.makeStream()
        // A serial queue gets a thread however many are blocked.
        DispatchQueue(label: "blocking call").async {
            do {
                tell.yield(try body())
                tell.finish()
            } catch {
                tell.finish(throwing: error)
            }
        }
        for try await result in results {
            return result
        }
        throw CancellationError()
    }
}
