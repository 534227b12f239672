import NIOCore

/// A running worker, as the pool sees it. Every method may be called on any thread.
package protocol WorkerHandle: AnyObject, Sendable {
    /// Index of the event loop that the worker's relay lives on.
    var loopIndex: Int { get }
    /// The process, for as long as its id cannot be another's.
    var processID: Int32? { get }
    /// Bytes that the process holds resident, its children's not counted; `nil` when that cannot be told.
    var residentMemory: Int? { get }
    /// Writes a request's event to the worker. What becomes of it is told to ``WorkerEvents``.
    func serve(_ request: any PoolRequest)
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
    /// The request that the worker has is answered.
    func workerAnswered(_ id: WorkerID, _ answer: WorkerAnswer)
    /// The worker answered `{"stop":true}`.
    func workerRefused(_ id: WorkerID)
    /// The worker cannot be used any more.
    ///
    /// - Parameter requestWritten: Whether any of the request it was given may have reached it.
    func workerFailed(_ id: WorkerID, _ failure: WorkerFailure, requestWritten: Bool)
}

/// Starts workers.
package protocol WorkerLauncher: Sendable {
    /// Starts one worker, tells `events` what becomes of it, and returns when its process has been reaped.
    ///
    /// When the surrounding task is cancelled the worker is killed.
    func run(_ id: WorkerID, events: any WorkerEvents) async
}
