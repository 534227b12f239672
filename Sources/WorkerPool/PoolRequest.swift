import NIOCore

/// A worker's answer to a request.
package enum WorkerAnswer: Sendable {
    /// An ordinary answer: the context holds the action, the body the bytes to write.
    case reply(context: ByteBuffer, body: ByteBuffer)
    /// An error frame: the worker is well, the request failed.
    case error(message: ByteBuffer)
    /// No answer: the worker waits for its next request without having answered this one. With its process id.
    case missing(processID: Int32?)
}

/// The outcome of a request.
package enum RequestOutcome: Sendable {
    case answered(WorkerAnswer)
    case failed(RequestFailure)
}

/// The reason why a request got no answer.
package enum RequestFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// No worker became free within `allocate_timeout`.
    case noFreeWorkers
    /// `max_queue_size` requests were running or waiting already.
    case queueFull
    /// The worker that had the request is gone.
    case workerGone(WorkerFailure)
    /// This many workers in a row answered `{"stop":true}` instead.
    case refusedByWorkers(attempts: Int)
    /// The pool is stopping.
    case poolClosing

    /// Whether a worker may have seen the request.
    package var reachedWorker: Bool {
        switch self {
        case .noFreeWorkers, .queueFull, .poolClosing: false
        case .workerGone, .refusedByWorkers: true
        }
    }

    /// RoadRunner's message, if it has one (docs/configuration.md).
    package var description: String {
        switch self {
        case .noFreeWorkers: "no free workers in the pool, wait timeout exceed"
        case .queueFull: "max queue size reached"
        case .workerGone(let failure): failure.message
        case .refusedByWorkers(let attempts): "\(attempts) workers in a row asked to be replaced instead of answering"
        case .poolClosing: "the pool is stopping"
        }
    }
}

/// A request to a worker.
///
/// The pool keeps a request from ``WorkerPool/submit(_:)`` until it calls ``finished(_:)``, exactly once. In between,
/// the value of ``isLast`` and the bytes of ``write(into:for:)`` must not change, but for what depends on the worker.
package protocol PoolRequest: AnyObject, Sendable {
    /// Whether it is the last of its session: it is never refused, waits for as long as the pool lives, and a worker need
    /// not answer it.
    var isLast: Bool { get }
    /// Index of the event loop that the request lives on; a free worker on the same loop is preferred.
    var loopIndex: Int { get }
    /// The most bytes of the request's frame.
    var size: Int { get }
    /// Appends the request's frame. Called on the worker's event loop, once for each worker that the request is given
    /// to.
    ///
    /// - Parameter worker: The worker that gets it.
    /// - Returns: The end of the frame, if it should be written separately instead of being copied.
    func write(into frame: inout ByteBuffer, for worker: WorkerID) -> ByteBuffer?
    /// Called once, on the worker's event loop or on the submitter's.
    func finished(_ outcome: RequestOutcome)
}
