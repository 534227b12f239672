import NIOCore

/// A process to start in a place.
struct WorkerStart: Hashable {
    var id: WorkerID
    /// How long to wait before.
    var delay: TimeAmount
}

/// Something that a decision of ``PoolStateMachine`` asks for; it is done after the lock is released.
enum PoolAction<Request, Handle> {
    /// The worker is to be given the request, behind those that it has.
    case serve(Handle, Request)
    /// The request is answered; with the position of its answer among those that the worker gave.
    case finish(Request, answer: Int)
    /// The request gets no answer.
    case fail(Request, RequestFailure)
    /// A worker that serves nothing is to be asked to end.
    case stop(Handle)
    /// A worker is to be killed, and then its request fails.
    case kill(Handle, Request, WorkerFailure)
    /// A process that has not done its handshake is to end.
    case dismiss(WorkerID)
    case start(WorkerStart)
    /// ``PoolStateMachine/timerFired(at:now:)`` is to be called then.
    case armTimer(NIODeadline)
    /// ``PoolStateMachine/resetTimedOut(_:now:)`` is to be called after ``PoolConfiguration/resetTimeout``.
    case timeReset(WorkerID)
    /// Every worker has done its first handshake.
    case becomeReady
    /// The pool never became ready.
    case failStart(WorkerFailure)
    /// The pool is closed and its last process reaped.
    case end
    case report(PoolReport)
}

/// What only the pool knows, for the log.
enum PoolReport {
    /// A worker could not be started, or failed again; its successor starts after the delay.
    case failed(WorkerID, WorkerFailure, delay: TimeAmount)
    /// The successor of a worker could not be started, and the worker goes on.
    case goesOn(WorkerID, WorkerFailure)
    /// So many workers are not replaced any more for now, after too many successors that could not be started.
    case replacementGivenUp(Int)
    /// A worker has passed a soft limit.
    case replaced(WorkerID, RestartReason)
    /// A worker has passed a hard limit.
    case killed(WorkerID, WorkerFailure)
    /// A worker answered `{"stop":true}`.
    case refused(WorkerID)
}

/// The actions of one decision, in order. The first two, which are all that most decisions have, need no memory.
struct PoolActions<Request, Handle> {
    typealias Action = PoolAction<Request, Handle>

    private var first: Action?
    private var second: Action?
    private var others: [Action] = []

    init() {}

    init(_ action: Action) {
        self.first = action
    }

    mutating func append(_ action: Action) {
        if self.first == nil {
            self.first = action
        } else if self.second == nil {
            self.second = action
        } else {
            self.others.append(action)
        }
    }

    func visit(_ body: (Action) -> Void) {
        guard let first else {
            return
        }
        body(first)
        guard let second else {
            return
        }
        body(second)
        for action in self.others {
            body(action)
        }
    }
}
