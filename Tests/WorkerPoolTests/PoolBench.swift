import NIOCore
import TestSupport

@testable import WorkerPool

/// A pool's machine with a clock of its own; requests are numbers.
final class PoolBench {
    typealias Machine = PoolStateMachine<Int>

    var machine: Machine
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    let loopCount: Int

    init(
        _ configuration: PoolConfiguration,
        loops: Int = 1,
        isMeasured: Bool = false,
        random: any RandomNumberGenerator = SeededGenerator(seed: 1)
    ) {
        self.machine = Machine(
            configuration: configuration,
            loopCount: loops,
            isMeasured: isMeasured,
            random: random
        )
        self.loopCount = loops
    }

    /// A running pool of this many idle workers, one after the other on each loop.
    static func running(
        _ configuration: PoolConfiguration,
        loops: Int = 1,
        isMeasured: Bool = false,
        random: any RandomNumberGenerator = SeededGenerator(seed: 1)
    ) -> (bench: PoolBench, workers: [WorkerID]) {
        let bench = PoolBench(configuration, loops: loops, isMeasured: isMeasured, random: random)
        let workers = bench.machine.start().map(\.id)
        for worker in workers {
            bench.bringUp(worker)
        }
        return (bench, workers)
    }

    /// A running pool of one worker, which has request 0.
    static func busy(_ configuration: PoolConfiguration = .init(numWorkers: 1)) -> (bench: PoolBench, worker: WorkerID)
    {
        let (bench, workers) = PoolBench.running(configuration)
        _ = bench.submit(0)
        return (bench, workers[0])
    }

    @discardableResult
    func bringUp(_ id: WorkerID) -> Machine.ReadyResult {
        _ = self.launch(id)
        return self.ready(id)
    }

    @discardableResult
    func ready(_ id: WorkerID) -> Machine.ReadyResult {
        self.machine.ready(id, loopIndex: id.place % self.loopCount, now: self.now)
    }

    func submit(_ request: Int, isClose: Bool = false, loop: Int = 0) -> Machine.SubmitAction {
        let now = self.now
        return self.machine.submit(request, isClose: isClose, loopIndex: loop, now: { now })
    }

    @discardableResult
    func answered(_ id: WorkerID) -> Machine.AnswerAction? {
        let now = self.now
        return self.machine.answered(id, now: { now })
    }

    @discardableResult
    func refused(_ id: WorkerID) -> Machine.RefusalAction? {
        self.machine.refused(id, now: self.now)
    }

    @discardableResult
    func failed(
        _ id: WorkerID,
        _ failure: WorkerFailure = .gone,
        written: Bool = false
    ) -> Machine.FailureAction {
        self.machine.failed(id, failure, requestWritten: written, now: self.now)
    }

    func fireTimer() -> Machine.Expiry {
        self.machine.timerFired(at: self.machine.armedFor ?? self.now, now: self.now)
    }

    func tick(memory: [WorkerID: Int] = [:]) -> Machine.TickAction {
        self.machine.tick(now: self.now) { memory[$0] }
    }

    func start() -> [Machine.StartAction] {
        self.machine.start()
    }

    /// Launches a worker; one that it has to wait for is reaped.
    func launch(_ id: WorkerID) -> Bool {
        switch self.machine.launch(id) {
        case .go: true
        case .cancel, .wait(kill: nil): false
        case .wait(let lost?): !self.machine.reaped(lost).start.isEmpty && self.machine.launch(id) == .go
        }
    }

    /// - Parameter id: One that has left its place, if that does not matter.
    /// - Returns: Whether the pool is closed.
    func reaped(_ id: WorkerID? = nil) -> Bool {
        let any = self.machine.leaving.first ?? self.machine.lost.first ?? WorkerID(place: -1, generation: 0)
        return self.machine.reaped(id ?? any).isClosed
    }

    func close() -> Machine.CloseAction {
        self.machine.close()
    }

    func reset() -> [Machine.StartAction] {
        self.machine.reset().start
    }

    func reconfigure(_ configuration: PoolConfiguration) -> Machine.ReconfigureAction {
        self.machine.reconfigure(configuration, now: self.now)
    }
}

extension WorkerFailure {
    static let gone = WorkerFailure(.exit, "gone")
}

extension PoolStateMachine.SubmitAction {
    var leased: WorkerID? {
        if case .lease(let id) = self { id } else { nil }
    }

    var waits: Bool {
        if case .wait = self { true } else { false }
    }

    var timer: NIODeadline? {
        if case .wait(let deadline, _) = self { deadline } else { nil }
    }

    var started: [PoolStateMachine.StartAction] {
        if case .wait(_, let start) = self { start } else { [] }
    }

    var refusal: RequestFailure? {
        if case .refuse(let failure) = self { failure } else { nil }
    }
}

extension PoolStateMachine.NextAction {
    var served: Request? {
        if case .serve(let request) = self { request } else { nil }
    }

    var isIdle: Bool {
        if case .idle = self { true } else { false }
    }

    var isReplaced: Bool {
        if case .replace = self { true } else { false }
    }

    var started: PoolStateMachine.StartAction? {
        self.allStarted.first
    }

    var allStarted: [PoolStateMachine.StartAction] {
        if case .replace(let start) = self { start } else { [] }
    }
}

extension PoolStateMachine.RetryAction {
    var leased: WorkerID? {
        if case .lease(let id, _) = self { id } else { nil }
    }

    var waits: Bool {
        if case .wait = self { true } else { false }
    }

    var timer: NIODeadline? {
        if case .wait(let deadline, _) = self { deadline } else { nil }
    }

    var start: [PoolStateMachine<Request>.StartAction] {
        if case .wait(_, let start) = self { start } else { [] }
    }

    var failure: RequestFailure? {
        if case .fail(_, let failure) = self { failure } else { nil }
    }
}

extension PoolStateMachine.ReadyAction {
    var served: Request? {
        if case .serve(let request) = self { request } else { nil }
    }

    var isIdle: Bool {
        if case .idle = self { true } else { false }
    }

    var isStopped: Bool {
        if case .stop = self { true } else { false }
    }
}
