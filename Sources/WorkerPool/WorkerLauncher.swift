import NIOCore

/// A running worker, as the pool sees it. Every method may be called on any thread.
package protocol WorkerHandle: AnyObject, Sendable {
    /// Index of the event loop that the worker's relay lives on.
    var loopIndex: Int { get }
    /// The process, for as long as its id cannot be another's.
    var processID: Int32? { get }
    /// Bytes that the process holds resident, its children's not counted; `nil` when that cannot be told.
    var residentMemory: Int? { get }
    /// Puts a request behind those that the worker has, and does nothing else: the pool calls it under its lock, so that
    /// both have the requests in the same order.
    func enqueue(_ request: any PoolRequest)
    /// Writes what was put into the queue; called after the lock is released. What becomes of it is told to
    /// ``WorkerEvents``.
    func serve()
    /// Asks the worker to end, and kills it with all that it has started when it has not ended after `timeout`.
    func stop(timeout: TimeAmount)
    /// Kills the worker with all that it has started.
    func kill()
}

/// What a worker tells the pool; each may be called on any thread. An event of a worker that the pool gave up is ignored.
package protocol WorkerEvents: Sendable {
    /// Whether there is room for large answers.
    var pendingAnswers: PendingAnswers { get }
    /// The process runs; from now on it can be killed.
    func workerStarted(_ id: WorkerID, _ handle: any WorkerHandle)
    /// The handshake is done.
    func workerReady(_ id: WorkerID, _ handle: any WorkerHandle)
    /// The worker can be given requests behind the one that it serves: whatever it does, no answer is taken for another
    /// request's, and of those behind the first it is known whether it has begun them.
    func workerPipelines(_ id: WorkerID)
    /// The first requests that the worker has are answered, in order; at least one.
    func workerAnswered(_ id: WorkerID, _ answers: [WorkerAnswer])
    /// The worker answered its first request with `{"stop":true}`.
    ///
    /// - Parameter isLast: Whether it handles none of those behind it. Or else it may: they are its own until it has
    ///   answered them, or ended.
    func workerRefused(_ id: WorkerID, isLast: Bool)
    /// The worker cannot be used any more.
    ///
    /// - Parameter begun: How many of the requests that it has, the first ones, it may have begun; the others go to
    ///   other workers.
    func workerFailed(_ id: WorkerID, _ failure: WorkerFailure, begun: Int)
}

/// Starts workers.
package protocol WorkerLauncher: Sendable {
    /// Starts one worker, tells `events` what becomes of it, and returns when its process has been reaped.
    ///
    /// When the surrounding task is cancelled the worker is killed.
    func run(_ id: WorkerID, events: any WorkerEvents) async
}
