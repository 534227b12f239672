import Goridge
import NIOCore
import WorkerPool

extension WorkerRelay {
    /// How long a worker that was given up may take to end by itself.
    private static let retirementTime = TimeAmount.seconds(5)

    /// Has silence noticed. One timer serves many requests: each starts it only when it does not run.
    func watch(_ interval: WorkerStateMachine.Interval) {
        let isTicking =
            switch interval {
            case .short: self.isTickingForClose
            case .long: self.isTicking
            }
        if !isTicking {
            self.startTicking(interval)
        }
    }

    private func noteTicking(_ interval: WorkerStateMachine.Interval, _ isTicking: Bool) {
        switch interval {
        case .short: self.isTickingForClose = isTicking
        case .long: self.isTicking = isTicking
        }
    }

    private func startTicking(_ interval: WorkerStateMachine.Interval) {
        self.noteTicking(interval, true)
        self.eventLoop.scheduleTask(in: interval.time) { self.tick(interval) }
    }

    private func tick(_ interval: WorkerStateMachine.Interval) {
        self.noteTicking(interval, false)
        guard !self.isHeld else {
            // What is awaited may be there, and not read.
            self.startTicking(interval)
            return
        }
        switch self.machine.tick(interval, mayProbe: self.habits.mayProbe, knowsProbes: self.habits.knowsProbes) {
        case .again:
            self.startTicking(interval)
        case .pause:
            break
        case .probe:
            self.startTicking(interval)
            self.writeProbe()
        case .noReply:
            self.releaseHeld()
        case .lastAnswer(let answer):
            self.habits.missedReply()
            self.events.workerAnswered(self.id, [answer])
            self.retire()
        case .broken(let reason):
            self.gather(reason, self.decoder.undecoded)
            self.giveUp(reason)
        }
    }

    /// Gives up a worker that may still be busy with the event before: what it writes next must not become an answer.
    private func retire() {
        let reason = "it reported an error and does not reply to control frames: it may still be busy"
        let failure = WorkerFailure(.protocolError, "the worker\(self.pidText) is given up: \(reason)")
        self.held.removeAll()
        self.events.workerFailed(self.id, failure, begun: 0)
        self.stop(timeout: Self.retirementTime)
    }
}
