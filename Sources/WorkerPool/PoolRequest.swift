import NIOCore

/// What happened on a connection.
package enum EventKind: String, Sendable, Hashable, CaseIterable {
    case connected = "CONNECTED"
    case data = "DATA"
    case close = "CLOSE"
}

/// One event as a worker gets it.
package struct WorkerEvent: Sendable {
    package var kind: EventKind
    /// The context's JSON up to the event's name: `{"remote_addr":…,"event":"`.
    package var contextPrefix: [UInt8]
    /// The packet of a ``EventKind/data`` event, else empty.
    package var body: ByteBuffer

    package init(kind: EventKind, contextPrefix: [UInt8], body: ByteBuffer) {
        self.kind = kind
        self.contextPrefix = contextPrefix
        self.body = body
    }
}

/// A worker's answer to an event.
package enum WorkerAnswer: Sendable {
    /// An ordinary answer: the context says what to do, the body what to write.
    case reply(context: ByteBuffer, body: ByteBuffer)
    /// An error frame: the worker is well, the event failed.
    case error(message: ByteBuffer)
    /// None: the worker waits for its next event and has not answered this one. With its process.
    case missing(processID: Int32?)
}

/// How an event ended.
package enum EventOutcome: Sendable {
    case answered(WorkerAnswer)
    case failed(EventFailure)
}

/// Why an event got no answer.
package enum EventFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// No worker became free within `allocate_timeout`.
    case noFreeWorkers
    /// `max_queue_size` events were running or waiting already.
    case queueFull
    /// The worker that had the event is gone.
    case workerGone(WorkerFailure)
    /// This many workers in a row answered `{"stop":true}` instead.
    case refusedByWorkers(attempts: Int)
    /// The pool is stopping.
    case poolClosing

    /// Whether a worker may have seen the event.
    package var reachedWorker: Bool {
        switch self {
        case .noFreeWorkers, .queueFull, .poolClosing: false
        case .workerGone, .refusedByWorkers: true
        }
    }

    /// RoadRunner's words where it has them (docs/configuration.md).
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

/// Someone who wants an event handled by a worker.
///
/// The pool keeps a request from ``WorkerPool/submit(_:)`` until it calls ``finished(_:)``, exactly once. In between,
/// what ``kind`` and ``event()`` return must not change.
package protocol PoolRequest: AnyObject, Sendable {
    var kind: EventKind { get }
    /// Index of the event loop that the request lives on; a free worker on the same loop is preferred.
    var loopIndex: Int { get }
    /// The event to write; called on the worker's event loop, again for each worker that the event is tried on.
    func event() -> WorkerEvent
    /// Called once, on the worker's event loop or on the submitter's.
    func finished(_ outcome: EventOutcome)
}
