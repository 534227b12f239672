import NIOCore

/// A running worker, as the pool sees it. Every method may be called on any thread.
package protocol WorkerHandle: AnyObject, Sendable {
    /// Index of the event loop that the worker's relay lives on.
    var loopIndex: Int { get }
    /// The process id, while it cannot be reused.
    var processID: Int32? { get }
    /// The resident bytes of the process, without its children's; `nil` if unknown.
    var residentMemory: Int? { get }
    /// Appends a request to those that the worker has, and does nothing else: the pool calls it under its lock, so that
    /// both have the requests in the same order.
    func enqueue(_ request: any PoolRequest)
    /// Writes the appended requests; called after the lock is released. Their outcome is reported to
    /// ``WorkerEvents``.
    func serve()
    /// Asks the worker to end, and kills it and its descendants if it has not ended after `timeout`.
    func stop(timeout: TimeAmount)
    /// Kills the worker and its descendants.
    func kill()
}

/// A worker's events for the pool, on any thread. Events of a worker that the pool has given up are ignored.
package protocol WorkerEvents: Sendable {
    /// The bytes of pending answers, which determine whether large answers have room.
    var pendingAnswers: PendingAnswers { get }
    /// The process runs and can be killed from now on.
    func workerStarted(_ id: WorkerID, _ handle: any WorkerHandle)
    /// The handshake is done.
    func workerReady(_ id: WorkerID, _ handle: any WorkerHandle)
    /// The worker can be given requests after the one that it serves: no answer can be mistaken for another request's,
    /// and it is known whether the worker has begun the later ones.
    func workerPipelines(_ id: WorkerID)
    /// The worker's first requests are answered, in order.
    ///
    /// - Parameter answers: At least one; none afterwards, with the array's memory.
    func workerAnswered(_ id: WorkerID, _ answers: inout [WorkerAnswer])
    /// The worker answered its first request with `{"stop":true}`.
    ///
    /// - Parameter isLast: Whether it handles none of the requests after it. Otherwise it keeps them until it has
    ///   answered them, or ended.
    func workerRefused(_ id: WorkerID, isLast: Bool)
    /// The worker is unusable.
    ///
    /// - Parameter begun: The number of its requests, from the first on, that it may have begun; the others go to
    ///   other workers.
    func workerFailed(_ id: WorkerID, _ failure: WorkerFailure, begun: Int)
}

extension WorkerEvents {
    /// The worker's first request is answered.
    package func workerAnswered(_ id: WorkerID, _ answer: WorkerAnswer) {
        var answers = [answer]
        self.workerAnswered(id, &answers)
    }
}

/// Starts workers.
package protocol WorkerLauncher: Sendable {
    /// Starts one worker, reports its events to `events`, and returns when its process has been reaped and the last event
    /// reported: requests that the worker still has then count as begun.
    ///
    /// - Parameter slot: The number that the worker has, from 0, as its successor will; two have the same while one takes
    ///   over from the other.
    ///
    /// When the surrounding task is cancelled the worker is killed.
    func run(_ id: WorkerID, slot: Int, events: any WorkerEvents) async
}
