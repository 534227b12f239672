import NIOCore

/// A process to start in a place.
struct WorkerStart: Hashable {
    var id: WorkerID
    /// How long to wait before.
    var delay: TimeAmount
}

/// An action that ``PoolStateMachine`` has decided on; it is performed after the lock is released.
enum PoolAction<Request, Handle> {
    /// Give the request to the worker, after those that it has.
    case serve(Handle, Request)
    /// The request is answered; with the position of its answer among those that the worker gave.
    case finish(Request, answer: Int)
    /// The request gets no answer.
    case fail(Request, RequestFailure)
    /// Ask a worker without requests to end.
    case stop(Handle)
    /// Kill a worker, then fail its request.
    case kill(Handle, Request, WorkerFailure)
    /// End a process that has not done its handshake.
    case dismiss(WorkerID)
    case start(WorkerStart)
    /// Call ``PoolStateMachine/timerFired(at:now:)`` at this time.
    case armTimer(NIODeadline)
    /// Call ``PoolStateMachine/patienceEnded(at:now:)`` at this time.
    case armPatience(NIODeadline)
    /// Call ``PoolStateMachine/resetTimedOut(_:now:)`` after ``PoolConfiguration/resetTimeout``.
    case timeReset(WorkerID)
    /// Every worker has done its first handshake.
    case becomeReady
    /// The pool never became ready.
    case failStart(WorkerFailure)
    /// The pool is closed and its last process reaped.
    case end
    case report(PoolReport)
}

/// Events for the log that only the pool knows.
enum PoolReport {
    /// A worker could not be started, or failed again; its successor starts after the delay.
    case failed(WorkerID, WorkerFailure, delay: TimeAmount)
    /// The successor of a worker could not be started, and the worker goes on.
    case goesOn(WorkerID, WorkerFailure)
    /// This many workers are not replaced for now, because too many successors could not be started.
    case replacementGivenUp(Int)
    /// A worker has passed a soft limit.
    case replaced(WorkerID, RestartReason)
    /// A worker has passed a hard limit.
    case killed(WorkerID, WorkerFailure.Code)
    /// A worker answered `{"stop":true}`.
    case refused(WorkerID)
}

/// The actions of one decision, in order; the first request to serve and the first that is finished need no memory.
struct PoolActions<Request, Handle> {
    typealias Action = PoolAction<Request, Handle>

    private(set) var serve: (worker: Handle, request: Request)?
    /// The finished request whose answer is the first one.
    private(set) var finish: Request?
    /// Later actions, and those of other kinds.
    private(set) var others: [Action] = []

    init() {}

    init(_ action: Action) {
        self.others = [action]
    }

    mutating func append(_ action: Action) {
        self.others.append(action)
    }

    mutating func serve(_ request: Request, with worker: Handle) {
        if self.serve == nil, self.finish == nil, self.others.isEmpty {
            self.serve = (worker, request)
        } else {
            self.appendOfMany(.serve(worker, request))
        }
    }

    /// - Parameter answer: The position of its answer.
    mutating func finish(_ request: Request, answer: Int) {
        if answer == 0, self.others.isEmpty {
            self.finish = request
        } else {
            self.appendOfMany(.finish(request, answer: answer))
        }
    }

    /// Several answers of one read come with as many requests to serve: memory for them at once.
    private mutating func appendOfMany(_ action: Action) {
        if self.others.isEmpty {
            self.others.reserveCapacity(16)
        }
        self.others.append(action)
    }

    /// All of them, in order.
    var all: [Action] {
        var all: [Action] = []
        if let serve {
            all.append(.serve(serve.worker, serve.request))
        }
        if let finish {
            all.append(.finish(finish, answer: 0))
        }
        return all + self.others
    }
}
