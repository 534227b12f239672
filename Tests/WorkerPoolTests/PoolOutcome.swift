import NIOCore

@testable import WorkerPool

/// The actions of one decision of a pool's machine, by kind and in their order.
struct PoolOutcome {
    typealias Actions = PoolActions<Int, WorkerID>

    var serves: [(id: WorkerID, request: Int)] = []
    var finished: [(request: Int, answer: Int)] = []
    var failed: [(request: Int, failure: RequestFailure)] = []
    /// Workers that are asked to end.
    var stop: [WorkerID] = []
    var kill: [(id: WorkerID, request: Int)] = []
    /// Why, each.
    var killed: [WorkerFailure] = []
    /// Processes that are to end before their handshake.
    var dismissed: [WorkerID] = []
    var start: [WorkerStart] = []
    var timers: [NIODeadline] = []
    /// Those for requests that wait for one worker.
    var patience: [NIODeadline] = []
    /// Workers whose time `reset_timeout` limits.
    var timed: [WorkerID] = []
    var isReady = false
    var startFailure: WorkerFailure?
    var isClosed = false
    var replace: [(id: WorkerID, reason: RestartReason)] = []
    var goesOn: WorkerID?
    var givenUp = 0
    var isRefused = false
    /// All actions.
    var count = 0

    init(_ actions: Actions) {
        for action in actions.all {
            self.count += 1
            switch action {
            case .serve(let id, let request): self.serves.append((id, request))
            case .finish(let request, let answer): self.finished.append((request, answer))
            case .fail(let request, let failure): self.failed.append((request, failure))
            case .stop(let id): self.stop.append(id)
            case .kill(let id, let request, let failure):
                self.kill.append((id, request))
                self.killed.append(failure)
            case .dismiss(let id): self.dismissed.append(id)
            case .start(let start): self.start.append(start)
            case .armTimer(let deadline): self.timers.append(deadline)
            case .armPatience(let deadline): self.patience.append(deadline)
            case .timeReset(let id): self.timed.append(id)
            case .becomeReady: self.isReady = true
            case .failStart(let failure): self.startFailure = failure
            case .end: self.isClosed = true
            case .report(let report): self.note(report)
            }
        }
    }

    private mutating func note(_ report: PoolReport) {
        switch report {
        case .failed, .killed: break
        case .goesOn(let id, _): self.goesOn = id
        case .replacementGivenUp(let workers): self.givenUp = workers
        case .replaced(let id, let reason): self.replace.append((id, reason))
        case .refused: self.isRefused = true
        }
    }

    /// The requests that get no answer.
    var refused: [Int] {
        self.failed.map(\.request)
    }
}

// MARK: - Of one request

extension PoolOutcome {
    /// The worker that serves the request that was submitted or retried.
    var leased: WorkerID? {
        self.serves.first?.id
    }

    var waits: Bool {
        self.serves.isEmpty && self.failed.isEmpty
    }

    var timer: NIODeadline? {
        self.timers.first
    }

    var started: [WorkerStart] {
        self.start
    }

    var failure: RequestFailure? {
        self.failed.first?.failure
    }
}

/// A worker has answered its only request.
struct PoolAnswer {
    struct Next {
        var served: Int?
        var isReplaced: Bool
        /// The starts caused by its leaving.
        var allStarted: [WorkerStart]

        var isIdle: Bool {
            self.served == nil && !self.isReplaced
        }

        var started: WorkerStart? {
            self.allStarted.first
        }
    }

    var request: Int
    var next: Next
    /// The start of its successor, for a worker at its limit that goes on.
    var successor: WorkerStart?

    init?(_ outcome: PoolOutcome, _ id: WorkerID) {
        guard let finished = outcome.finished.first else {
            return nil
        }
        let isReplaced = outcome.stop.contains(id)
        self.request = finished.request
        self.next = Next(
            served: outcome.serves.first { $0.id == id }?.request,
            isReplaced: isReplaced,
            allStarted: isReplaced ? outcome.start : []
        )
        self.successor = isReplaced ? nil : outcome.start.first
    }
}

/// A worker has refused its only request.
struct PoolRefusal {
    /// The outcome of the request.
    var retry: PoolOutcome
    var start: [WorkerStart]
}

/// A worker cannot be used any more.
struct PoolFailure {
    /// The outcome of its only request.
    var request: PoolOutcome?
    /// The start of its own successor.
    var start: WorkerStart?
    /// The start of others.
    var more: [WorkerStart]
    var startFailed: Bool
    var goesOn: WorkerID?
    var givenUp: Int
}

/// A worker has done its handshake.
struct PoolWelcome {
    struct Action {
        var served: Int?
        var isStopped: Bool

        var isIdle: Bool {
            self.served == nil && !self.isStopped
        }
    }

    var action: Action
    var poolIsReady: Bool
    /// The idle worker that it replaces.
    var stop: WorkerID?
    /// The busy one that it replaces, when a reset does.
    var resetTimed: WorkerID?
    var start: [WorkerStart]

    init(_ outcome: PoolOutcome, _ id: WorkerID) {
        self.action = Action(
            served: outcome.serves.first { $0.id == id }?.request,
            isStopped: outcome.stop.contains(id)
        )
        self.poolIsReady = outcome.isReady
        self.stop = outcome.stop.first { $0 != id }
        self.resetTimed = outcome.timed.first
        self.start = outcome.start
    }
}

/// Workers are not needed any more.
struct PoolDismissal {
    /// Requests that waited.
    var refused: [Int]
    var stop: [WorkerID]
    /// Those before their handshake.
    var kill: [WorkerID]
    var start: [WorkerStart]
    var isClosed: Bool
}
