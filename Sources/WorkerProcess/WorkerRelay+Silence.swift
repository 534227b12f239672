import Goridge
import NIOCore
import WorkerPool

extension WorkerRelay {
    /// How long a worker may take to end by itself after it was given up.
    private static let retirementTime = TimeAmount.seconds(5)

    /// Watches for silence. One timer serves many requests: each request starts it only if it is not running.
    func watch(_ interval: WorkerStateMachine.Interval) {
        if !self.timers.contains(Timers(interval)) {
            self.startTicking(interval)
        }
    }

    private func startTicking(_ interval: WorkerStateMachine.Interval) {
        self.timers.insert(Timers(interval))
        self.eventLoop.scheduleTask(in: interval.time) { self.tick(interval) }
    }

    private func tick(_ interval: WorkerStateMachine.Interval) {
        self.timers.remove(Timers(interval))
        guard !self.isHeld else {
            // The awaited frame may have arrived but be unread.
            self.startTicking(interval)
            return
        }
        let action = self.machine.tick(
            interval,
            mayProbe: self.habits.mayProbe,
            knowsProbes: self.habits.knowsProbes,
            hasRead: self.input?.isBehind == false && self.unreadInput?.isRead != false
        )
        switch action {
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
            self.events.workerAnswered(self.id, answer)
            self.retire()
        case .broken(let reason):
            self.gather(reason, self.decoder.undecoded)
            self.giveUp(reason)
        }
    }

    /// Gives up a worker that may still be busy with an earlier event: its next output must not become an answer.
    private func retire() {
        let reason = "it reported an error and does not reply to control frames: it may still be busy"
        let failure = WorkerFailure(.protocolError, "the worker\(self.pidText) is given up: \(reason)")
        self.held.removeAll()
        self.events.workerFailed(self.id, failure, begun: 0)
        self.stop(timeout: Self.retirementTime)
    }
}

extension WorkerRelay.Timers {
    fileprivate init(_ interval: WorkerStateMachine.Interval) {
        switch interval {
        case .short: self.init(rawValue: 1)
        case .long: self.init(rawValue: 2)
        }
    }
}
