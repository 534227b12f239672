import Logging
import NIOCore
import Synchronization

/// A pool of workers that serves requests in the order in which they came.
///
/// ``submit(_:)`` and what workers tell run on event loops: they take the lock for the decision, which
/// ``PoolStateMachine`` makes, and act after it is released. Processes are started and awaited by ``run(whenReady:)``.
package final class WorkerPool: Sendable {
    struct State {
        var machine: PoolStateMachine<any PoolRequest>
        /// The worker in each place, while it is ready.
        var handles: [(any WorkerHandle)?] = []
        /// Workers that run, in a place or on their way out, for a kill.
        var processes: [WorkerID: any WorkerHandle] = [:]
        /// Their ids, for the log: of a process that has just been reaped, too.
        var processIDs: [WorkerID: Int32] = [:]
        var startFailure: WorkerFailure?
        /// Until when workers may take to end, once the pool is closed.
        var closeDeadline: NIODeadline?
        /// Looks at the workers from time to time.
        var ticks: Task<Void, Never>?
    }

    enum Command: Sendable {
        case start(PoolStateMachine<any PoolRequest>.StartAction)
        case ready
        /// ``PoolConfiguration/resetTimeout`` begins for a worker.
        case timeReset(WorkerID)
    }

    let state: Mutex<State>
    let launcher: any WorkerLauncher
    let loops: [any EventLoop]
    let logger: Logger
    /// What clients have not taken yet of the pool's answers.
    package let pendingAnswers = PendingAnswers()
    /// Whether times are measured, for ``snapshot()``.
    private let isMeasured: Bool
    let commands: AsyncStream<Command>
    let issue: AsyncStream<Command>.Continuation

    /// - Parameters:
    ///   - loops: The event loops of requests and workers; their `loopIndex` counts in this list.
    ///   - isMeasured: Whether the times of ``PoolMeasures`` are measured: one or two looks at the clock for each request.
    package init(
        configuration: PoolConfiguration,
        launcher: any WorkerLauncher,
        loops: [any EventLoop],
        logger: Logger,
        isMeasured: Bool = false
    ) {
        self.isMeasured = isMeasured
        self.launcher = launcher
        self.loops = loops
        self.logger = logger
        self.state = Mutex(
            State(
                machine: PoolStateMachine(configuration: configuration, loopCount: loops.count, isMeasured: isMeasured))
        )
        (self.commands, self.issue) = AsyncStream.makeStream()
    }

    /// Hands a request to a free worker, or lets it wait for one.
    package func submit(_ request: any PoolRequest) {
        // Read before the lock is taken, when it is known that it is needed.
        let date = self.isMeasured ? NIODeadline.now() : nil
        let (action, handle) = self.state.withLock { state in
            let action = state.machine.submit(
                request,
                isClose: request.isLast,
                loopIndex: request.loopIndex,
                now: { date ?? .now() }
            )
            if case .lease(let id) = action {
                return (action, state.handles[id.place])
            }
            return (action, nil)
        }
        switch action {
        case .lease:
            handle?.serve(request)
        case .wait(let deadline, let start):
            self.armTimer(deadline)
            self.start(start)
        case .refuse(let failure):
            request.finished(.failed(failure))
        }
    }

    func armTimer(_ deadline: NIODeadline?) {
        guard let deadline else {
            return
        }
        self.loops[0].scheduleTask(deadline: deadline) {
            let expiry = self.state.withLock { $0.machine.timerFired(at: deadline, now: .now()) }
            self.armTimer(expiry.armTimer)
            for request in expiry.expired {
                request.finished(.failed(.noFreeWorkers))
            }
        }
    }

    /// The limits as they are now.
    var configuration: PoolConfiguration {
        self.state.withLock { $0.machine.configuration }
    }

    /// The processes of workers, those on their way in or out included.
    package var processIDs: Set<Int32> {
        Set(self.state.withLock { $0.processes }.values.compactMap { $0.processID })
    }

    /// Requests that wait for a worker, or that one has.
    package var requests: Int {
        self.state.withLock { $0.machine.waiting + $0.machine.running }
    }

    /// Workers past their handshake, free or busy.
    package var readyWorkers: Int {
        self.state.withLock { $0.machine.ready }
    }
}

// MARK: - What workers tell

extension WorkerPool: WorkerEvents {
    package func workerPipelines(_ id: WorkerID) {}

    package func workerAnswered(_ id: WorkerID, _ answers: [WorkerAnswer]) {
        let date = self.isMeasured ? NIODeadline.now() : nil
        let (action, handle) = self.state.withLock { state in
            let action = state.machine.answered(id, now: { date ?? .now() })
            return (action, self.handle(in: &state, for: id, next: action?.next))
        }
        guard let action else {
            return
        }
        // The worker first: while the answer is being handled it is at work already.
        switch action.next {
        case .idle:
            break
        case .serve(let request):
            handle?.serve(request)
        case .replace(let start):
            handle?.stop(timeout: self.stopTimeout)
            self.start(start)
        }
        if let successor = action.successor {
            self.start([successor])
        }
        action.request.finished(.answered(answers[0]))
    }

    private func handle(
        in state: inout State,
        for id: WorkerID,
        next: PoolStateMachine<any PoolRequest>.NextAction?
    ) -> (any WorkerHandle)? {
        switch next {
        case .none, .idle:
            return nil
        case .serve:
            return state.handles[id.place]
        case .replace:
            defer { state.handles[id.place] = nil }
            return state.handles[id.place]
        }
    }

    package func workerRefused(_ id: WorkerID, isLast: Bool) {
        let (action, refusing, next) = self.state.withLock { state in
            let action = state.machine.refused(id, now: .now())
            let refusing = action == nil ? nil : state.handles[id.place]
            if action != nil {
                state.handles[id.place] = nil
            }
            return (action, refusing, self.handle(in: state, for: action?.retry))
        }
        guard let action else {
            return
        }
        self.logger.debug("worker asked to be replaced", metadata: self.metadata(of: id))
        refusing?.stop(timeout: self.stopTimeout)
        self.start(action.start)
        self.retry(action.retry, handle: next)
    }

    private func handle(
        in state: State,
        for retry: PoolStateMachine<any PoolRequest>.RetryAction?
    ) -> (any WorkerHandle)? {
        if case .lease(let id, _) = retry {
            return state.handles[id.place]
        }
        return nil
    }

    private func retry(
        _ action: PoolStateMachine<any PoolRequest>.RetryAction,
        handle: (any WorkerHandle)?
    ) {
        switch action {
        case .lease(_, let request):
            handle?.serve(request)
        case .wait(let deadline, let start):
            self.armTimer(deadline)
            self.start(start)
        case .fail(let request, let failure):
            request.finished(.failed(failure))
        }
    }

    package func workerStarted(_ id: WorkerID, _ handle: any WorkerHandle) {
        let isClosing = self.state.withLock { state in
            state.processes[id] = handle
            state.processIDs[id] = handle.processID
            return state.machine.phase == .closing
        }
        if isClosing {
            // It has not answered its handshake: that kills it.
            handle.stop(timeout: self.stopTimeout)
        }
    }

    package func workerReady(_ id: WorkerID, _ handle: any WorkerHandle) {
        let (result, old) = self.state.withLock { state in
            let result = state.machine.ready(id, loopIndex: handle.loopIndex, now: .now())
            if case .stop = result.action {
                return (result, nil as (any WorkerHandle)?)
            }
            while state.handles.count <= id.place {
                state.handles.append(nil)
            }
            state.handles[id.place] = handle
            return (result, result.stop.flatMap { self.take($0, from: &state) })
        }
        old?.stop(timeout: self.stopTimeout)
        self.timeReset(result.resetTimed.map { [$0] } ?? [])
        self.start(result.start)
        switch result.action {
        case .idle:
            break
        case .serve(let request):
            handle.serve(request)
        case .stop:
            handle.stop(timeout: self.stopTimeout)
        }
        if result.poolIsReady {
            self.issue.yield(.ready)
        }
    }

    package func workerFailed(_ id: WorkerID, _ failure: WorkerFailure, begun: Int) {
        let (action, next, isInItsPlace) = self.state.withLock { state in
            // What a worker that was given up before still says must not touch its successor.
            let isInItsPlace = !state.machine.isGone(id)
            let action = state.machine.failed(id, failure, requestWritten: begun > 0, now: .now())
            if isInItsPlace, state.handles.indices.contains(id.place) {
                state.handles[id.place] = nil
            }
            if action.startFailed, state.startFailure == nil {
                state.startFailure = failure
            }
            return (action, self.handle(in: state, for: action.request), isInItsPlace)
        }
        if action.startFailed {
            // The others have served nobody: they need no time.
            self.close(timeout: .milliseconds(500))
        } else {
            // One that was killed because it is not wanted any more has not failed.
            if isInItsPlace {
                self.log(failure, of: id, action)
            }
            self.start((action.start.map { [$0] } ?? []) + action.more)
        }
        if let request = action.request {
            self.retry(request, handle: next)
        }
    }

    /// A worker's end is told by who sees it; here is told what only the pool knows.
    private func log(
        _ failure: WorkerFailure,
        of id: WorkerID,
        _ action: PoolStateMachine<any PoolRequest>.FailureAction
    ) {
        var metadata = self.metadata(of: action.goesOn ?? id)
        if let delay = action.start?.delay, delay > .zero {
            metadata["delay_ms"] = "\(delay.nanoseconds / 1_000_000)"
        }
        if action.goesOn != nil {
            metadata["error"] = "\(failure)"
            self.logger.error("the successor of a worker cannot be started, the worker goes on", metadata: metadata)
            if action.givenUp > 0 {
                self.logger.error(
                    "too many successors cannot be started, workers are not replaced any more for now",
                    metadata: ["workers": "\(action.givenUp)"]
                )
            }
        } else if failure.code == .start {
            self.logger.error("\(failure)", metadata: metadata)
        } else if metadata["delay_ms"] != nil {
            self.logger.warning("worker failed again, its successor waits", metadata: metadata)
        }
    }

    /// Names a worker in the log.
    func metadata(of id: WorkerID) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["worker.id": "\(id)"]
        if let processID = self.state.withLock({ $0.processIDs[id] }) {
            metadata["worker.pid"] = "\(processID)"
        }
        return metadata
    }

    func start(_ actions: [PoolStateMachine<any PoolRequest>.StartAction]) {
        for action in actions {
            self.issue.yield(.start(action))
        }
    }

    /// Takes the handle of a worker that has left its place.
    func take(_ id: WorkerID, from state: inout State) -> (any WorkerHandle)? {
        defer { state.handles[id.place] = nil }
        return state.handles[id.place]
    }
}
