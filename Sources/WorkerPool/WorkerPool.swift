import Logging
import NIOCore
import Synchronization

/// A pool of workers that serves requests in the order in which they came.
///
/// ``submit(_:)`` and the workers' events run on event loops: they take the lock for the decision of
/// ``PoolStateMachine``, and act after it is released. ``run(whenReady:)`` starts processes and awaits their end.
package final class WorkerPool: Sendable {
    typealias Machine = PoolStateMachine<any PoolRequest, any WorkerHandle>

    struct State {
        var machine: Machine
        /// Running workers, in a place or leaving, so that they can be killed.
        var processes: [WorkerID: any WorkerHandle] = [:]
        /// Their process ids for the log, including those of processes that have just been reaped.
        var processIDs: [WorkerID: Int32] = [:]
        var startFailure: WorkerFailure?
        /// The deadline for workers to end, once the pool is closed.
        var closeDeadline: NIODeadline?
        /// Compares the workers with their limits from time to time.
        var ticks: Task<Void, Never>?
    }

    /// A command for ``run(whenReady:)``.
    enum Command: Sendable {
        case start(WorkerStart)
        case becomeReady
        /// ``PoolConfiguration/resetTimeout`` begins for a worker.
        case timeReset(WorkerID)
    }

    let state: Mutex<State>
    let launcher: any WorkerLauncher
    let loops: [any EventLoop]
    let logger: Logger
    /// The pool's answers that clients have not taken yet.
    package let pendingAnswers = PendingAnswers()
    let commands: AsyncStream<Command>
    private let commandContinuation: AsyncStream<Command>.Continuation

    /// - Parameters:
    ///   - loops: The event loops of requests and workers; their `loopIndex` counts in this list.
    ///   - isMeasured: Whether the times of ``PoolMeasures`` are measured.
    package init(
        configuration: PoolConfiguration,
        launcher: any WorkerLauncher,
        loops: [any EventLoop],
        logger: Logger,
        isMeasured: Bool = false
    ) {
        self.launcher = launcher
        self.loops = loops
        self.logger = logger
        self.state = Mutex(
            State(machine: Machine(configuration: configuration, loopCount: loops.count, isMeasured: isMeasured))
        )
        (self.commands, self.commandContinuation) = AsyncStream.makeStream()
    }

    /// Hands a request to a worker, or lets it wait for one.
    package func submit(_ request: any PoolRequest) {
        let now = NIODeadline.now()
        self.decide { state in
            state.machine.submit(request, isLast: request.isLast, loopIndex: request.loopIndex, now: now)
        }
    }

    /// The same, preferably to the worker that all requests with this key go to.
    package func submit(_ request: any PoolRequest, _ affinity: Affinity) {
        let now = NIODeadline.now()
        self.decide { state in
            state.machine.submit(
                request, affinity, isLast: request.isLast, loopIndex: request.loopIndex, now: now)
        }
    }

    /// The limits as they are now.
    var configuration: PoolConfiguration {
        self.state.withLock { $0.machine.configuration }
    }

    /// The most workers, not counting those that are being replaced.
    package var maximumWorkers: Int {
        self.configuration.maximumWorkers
    }

    /// The process ids of all workers, including those that are starting or leaving.
    package var processIDs: Set<Int32> {
        Set(self.state.withLock { $0.processes }.values.compactMap { $0.processID })
    }

    /// Requests that wait for a worker, or that one has.
    package var requests: Int {
        self.state.withLock { $0.machine.waiting + $0.machine.running }
    }
}

// MARK: - Acting

extension WorkerPool {
    /// Makes a decision that finishes no answered request.
    func decide(_ decision: (inout State) -> Machine.Actions) {
        var none: [WorkerAnswer] = []
        self.decide(answers: &none, decision)
    }

    /// Makes a decision under the lock and performs its actions after releasing it. All decisions go through here.
    ///
    /// - Parameter answers: For the requests that are finished, in order; a single one is taken out.
    private func decide(answers: inout [WorkerAnswer], _ decision: (inout State) -> Machine.Actions) {
        let actions = self.state.withLock { state in
            let actions = decision(&state)
            if let (worker, request) = actions.serve {
                worker.enqueue(request)
            }
            if !actions.others.isEmpty {
                for case .serve(let worker, let request) in actions.others {
                    worker.enqueue(request)
                }
            }
            return actions
        }
        // Serve first: the worker is then already busy while its answer is handled.
        if let (worker, _) = actions.serve {
            worker.serve()
        }
        if let request = actions.finish {
            request.finished(.answered(answers.count == 1 ? answers.removeLast() : answers[0]))
        }
        if !actions.others.isEmpty {
            self.perform(actions.others, answers)
        }
    }

    private func perform(_ actions: [Machine.Actions.Action], _ answers: [WorkerAnswer]) {
        for action in actions {
            switch action {
            case .serve(let worker, _):
                worker.serve()
            case .finish(let request, let answer):
                request.finished(.answered(answers[answer]))
            default:
                self.perform(action)
            }
        }
    }

    /// Performs the less frequent actions.
    private func perform(_ action: Machine.Actions.Action) {
        switch action {
        case .serve, .finish:
            break
        case .fail(let request, let failure):
            request.finished(.failed(failure))
        case .stop(let worker):
            worker.stop(timeout: self.stopTimeout)
        case .kill(let worker, let request, let failure):
            worker.kill()
            // Runs after the write of the request, which may still be queued on that loop.
            self.loops[worker.loopIndex].execute {
                request.finished(.failed(.workerGone(failure)))
            }
        case .dismiss(let id):
            // Kills the process, or asks it to stop if it has just done its handshake.
            self.state.withLock { $0.processes[id] }?.stop(timeout: self.stopTimeout)
        case .start(let start):
            self.commandContinuation.yield(.start(start))
        case .armTimer(let deadline):
            self.loops[0].scheduleTask(deadline: deadline) {
                self.decide { $0.machine.timerFired(at: deadline, now: .now()) }
            }
        case .armPatience(let deadline):
            self.loops[0].scheduleTask(deadline: deadline) {
                self.decide { $0.machine.patienceEnded(at: deadline, now: .now()) }
            }
        case .timeReset(let id):
            self.commandContinuation.yield(.timeReset(id))
        case .becomeReady:
            self.commandContinuation.yield(.becomeReady)
        case .failStart(let failure):
            self.state.withLock { $0.startFailure = $0.startFailure ?? failure }
            // The other workers have served nothing, so they need no time.
            self.close(timeout: .milliseconds(500))
        case .end:
            self.commandContinuation.finish()
        case .report(let report):
            self.log(report)
        }
    }

    /// Logs the events that only the pool knows; a worker's relay logs its end.
    private func log(_ report: PoolReport) {
        switch report {
        case .failed(let id, let failure, let delay):
            var metadata = self.metadata(of: id)
            if delay > .zero {
                metadata["delay_ms"] = "\(delay.nanoseconds / 1_000_000)"
            }
            if failure.code == .start {
                self.logger.error("\(failure)", metadata: metadata)
            } else if delay > .zero {
                self.logger.warning("worker failed again, its successor waits", metadata: metadata)
            }
        case .goesOn(let id, let failure):
            var metadata = self.metadata(of: id)
            metadata["error"] = "\(failure)"
            self.logger.error("the successor of a worker cannot be started, the worker goes on", metadata: metadata)
        case .replacementGivenUp(let workers):
            self.logger.error(
                "too many successors cannot be started, workers are not replaced any more for now",
                metadata: ["workers": "\(workers)"]
            )
        case .replaced(let id, let reason):
            var metadata = self.metadata(of: id)
            metadata["reason"] = "\(reason.rawValue)"
            self.logger.info("worker is to be replaced", metadata: metadata)
        case .killed(let id, let code):
            switch code {
            case .execTTL:
                self.logger.error("worker was killed: exec_ttl is over", metadata: self.metadata(of: id))
            case .resetTimeout:
                self.logger.error("worker was killed: reset_timeout is over", metadata: self.metadata(of: id))
            case .start, .exit, .protocolError:
                break
            }
        case .refused(let id):
            self.logger.debug("worker asked to be replaced", metadata: self.metadata(of: id))
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
}

// MARK: - WorkerEvents

extension WorkerPool: WorkerEvents {
    package func workerAnswered(_ id: WorkerID, _ answers: inout [WorkerAnswer]) {
        let now = NIODeadline.now()
        let count = answers.count
        self.decide(answers: &answers) { $0.machine.answered(id, count: count, now: now) }
        answers.removeAll(keepingCapacity: true)
    }

    package func workerPipelines(_ id: WorkerID) {
        self.decide { $0.machine.pipelines(id, now: .now()) }
    }

    package func workerRefused(_ id: WorkerID, isLast: Bool) {
        self.decide { $0.machine.refused(id, isLast: isLast, now: .now()) }
    }

    package func workerStarted(_ id: WorkerID, _ handle: any WorkerHandle) {
        let isClosing = self.state.withLock { state in
            state.processes[id] = handle
            state.processIDs[id] = handle.processID
            return state.machine.phase == .closing
        }
        if isClosing {
            // The worker has not answered its handshake, so this kills it.
            handle.stop(timeout: self.stopTimeout)
        }
    }

    package func workerReady(_ id: WorkerID, _ handle: any WorkerHandle) {
        self.decide { $0.machine.ready(id, handle, loopIndex: handle.loopIndex, now: .now()) }
    }

    package func workerFailed(_ id: WorkerID, _ failure: WorkerFailure, begun: Int) {
        self.decide { $0.machine.failed(id, failure, begun: begun, now: .now()) }
    }
}
