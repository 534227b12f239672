import NIOCore
import TestSupport

@testable import WorkerPool

/// A pool's machine with a clock of its own; requests are numbers, and
/// workers their own handles.
final class PoolBench {
    typealias Machine = PoolStateMachine<Int, WorkerID>

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
        let workers = bench.start().map(\.id)
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
    func bringUp(_ id: WorkerID) -> PoolWelcome {
        _ = self.launch(id)
        return self.ready(id)
    }

    @discardableResult
    func ready(_ id: WorkerID) -> PoolWelcome {
        let loop = id.place % self.loopCount
        return PoolWelcome(PoolOutcome(self.machine.ready(id, id, loopIndex: loop, now: self.now)), id)
    }

    @discardableResult
    func submit(_ request: Int, isClose: Bool = false, loop: Int = 0) -> PoolOutcome {
        PoolOutcome(self.machine.submit(request, isLast: isClose, loopIndex: loop, now: self.now))
    }

    @discardableResult
    func submit(_ request: Int, key: UInt64, patience: TimeAmount = .zero, isClose: Bool = false) -> PoolOutcome {
        let affinity = Affinity(key: key, patience: patience)
        return PoolOutcome(self.machine.submit(request, affinity, isLast: isClose, loopIndex: 0, now: self.now))
    }

    /// The patience of requests ends.
    @discardableResult
    func endPatience() -> PoolOutcome {
        let deadline = self.machine.loyal.armedFor ?? self.now
        return PoolOutcome(self.machine.patienceEnded(at: deadline, now: self.now))
    }

    /// A worker answers the first requests that it has.
    @discardableResult
    func answers(_ id: WorkerID, _ count: Int) -> PoolOutcome {
        PoolOutcome(self.machine.answered(id, count: count, now: self.now))
    }

    /// - Returns: `nil` when that was ignored.
    @discardableResult
    func answered(_ id: WorkerID) -> PoolAnswer? {
        PoolAnswer(self.answers(id, 1), id)
    }

    @discardableResult
    func pipelines(_ id: WorkerID) -> PoolOutcome {
        PoolOutcome(self.machine.pipelines(id, now: self.now))
    }

    @discardableResult
    func refuses(_ id: WorkerID, isLast: Bool) -> PoolOutcome {
        PoolOutcome(self.machine.refused(id, isLast: isLast, now: self.now))
    }

    /// - Returns: `nil` when that was ignored.
    @discardableResult
    func refused(_ id: WorkerID) -> PoolRefusal? {
        let outcome = self.refuses(id, isLast: true)
        return outcome.isRefused ? PoolRefusal(retry: outcome, start: outcome.start) : nil
    }

    @discardableResult
    func fails(_ id: WorkerID, _ failure: WorkerFailure = .gone, begun: Int) -> PoolOutcome {
        PoolOutcome(self.machine.failed(id, failure, begun: begun, now: self.now))
    }

    @discardableResult
    func failed(_ id: WorkerID, _ failure: WorkerFailure = .gone, written: Bool = false) -> PoolFailure {
        let isBusy = self.machine.roster.isBusy(id)
        let outcome = self.fails(id, failure, begun: written ? 1 : 0)
        return self.failure(id, outcome, isBusy: isBusy)
    }

    private func failure(_ id: WorkerID, _ outcome: PoolOutcome, isBusy: Bool) -> PoolFailure {
        let own = outcome.start.first { start in
            // Another one's successor may come into the place at once.
            if case .successor = self.machine.roster.places[start.id.place].standing { return false }
            return start.id.place == id.place
        }
        return PoolFailure(
            request: isBusy ? outcome : nil,
            start: own,
            more: outcome.start.filter { $0 != own },
            startFailed: outcome.startFailure != nil,
            goesOn: outcome.goesOn,
            givenUp: outcome.givenUp
        )
    }

    /// The request that fails with a worker is the first one of `kill`.
    ///
    /// - Returns: `nil` when that was ignored.
    func resetTimedOut(_ id: WorkerID) -> PoolOutcome? {
        let outcome = PoolOutcome(self.machine.resetTimedOut(id, now: self.now))
        return outcome.count == 0 ? nil : outcome
    }

    func fireTimer() -> (expired: [Int], armTimer: NIODeadline?) {
        self.fireTimer(at: self.machine.queue.armedFor ?? self.now, now: self.now)
    }

    func fireTimer(at deadline: NIODeadline, now: NIODeadline) -> (expired: [Int], armTimer: NIODeadline?) {
        let outcome = PoolOutcome(self.machine.timerFired(at: deadline, now: now))
        return (outcome.refused, outcome.timer)
    }

    func tick(memory: [WorkerID: Int] = [:]) -> PoolOutcome {
        PoolOutcome(self.machine.tick(now: self.now) { memory[$0] })
    }

    @discardableResult
    func start() -> [WorkerStart] {
        PoolOutcome(self.machine.start()).start
    }

    /// Launches a worker; one that it has to wait for is reaped.
    func launch(_ id: WorkerID) -> Bool {
        switch self.machine.launch(id) {
        case .go: true
        case .cancel, .wait(kill: nil): false
        case .wait(let lost?): !self.reap(lost).start.isEmpty && self.machine.launch(id) == .go
        }
    }

    @discardableResult
    func reap(_ id: WorkerID) -> PoolOutcome {
        PoolOutcome(self.machine.reaped(id, now: self.now))
    }

    /// - Parameter id: One that has left its place, if that does not matter.
    /// - Returns: Whether the pool is closed.
    func reaped(_ id: WorkerID? = nil) -> Bool {
        let processes = self.machine.processes
        let any = processes.leaving.first ?? processes.lost.first ?? WorkerID(place: -1, generation: 0)
        return self.reap(id ?? any).isClosed
    }

    @discardableResult
    func close() -> PoolDismissal {
        self.dismissal(PoolOutcome(self.machine.close()))
    }

    func resets() -> PoolOutcome {
        PoolOutcome(self.machine.reset())
    }

    func reset() -> [WorkerStart] {
        self.resets().start
    }

    @discardableResult
    func reconfigure(_ configuration: PoolConfiguration) -> PoolDismissal {
        self.dismissal(PoolOutcome(self.machine.reconfigure(configuration, now: self.now)))
    }

    private func dismissal(_ outcome: PoolOutcome) -> PoolDismissal {
        PoolDismissal(
            refused: outcome.refused,
            stop: outcome.stop,
            kill: outcome.dismissed,
            start: outcome.start,
            isClosed: self.machine.phase == .closed
        )
    }

    @discardableResult
    func cutOff() -> PoolOutcome {
        PoolOutcome(self.machine.cutOffRequests(now: self.now))
    }
}

extension WorkerFailure {
    static let gone = WorkerFailure(.exit, "gone")
}
