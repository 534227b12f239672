import NIOCore
import WorkerPool

extension WorkerRelay {
    /// One timer for many requests: each starts it only when it does not run.
    func startTicking() {
        self.isTicking = true
        self.eventLoop.scheduleTask(in: WorkerStateMachine.tickInterval) { self.tick() }
    }

    private func tick() {
        self.isTicking = false
        switch self.machine.tick(mayProbe: self.habits.mayProbe) {
        case .again:
            self.startTicking()
        case .pause:
            break
        case .probe:
            self.startTicking()
            self.writeControl(.pid(self.handshake.serverPID))
        case .noReply:
            self.habits.ignoredProbe()
            self.releaseHeld()
        case .answer(let answer):
            self.startTicking()
            self.events.workerAnswered(self.id, answer)
        case .broken(let reason):
            self.gather(reason, self.decoder.undecoded)
            self.giveUp(reason, isBusy: false)
        }
    }
}
