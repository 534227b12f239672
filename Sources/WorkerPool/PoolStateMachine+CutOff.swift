import NIOCore

// Near the end of the grace period: whoever is stuck is given up, so that free workers can be given each client's CLOSE.

extension PoolStateMachine {
    struct CutOffAction {
        /// Requests that waited.
        var refused: [Request] = []
        /// Workers that are stuck, and their requests.
        var kill: [(id: WorkerID, request: Request)] = []
        /// Workers for the CLOSEs: one when none is left, more where the allocator may start them.
        var start: [StartAction] = []
    }

    /// Gives up every request but `CLOSE`, those to come included. From now on workers have no successors, unless none is
    /// left.
    mutating func cutOffRequests(now: NIODeadline) -> CutOffAction {
        var action = CutOffAction()
        guard self.phase == .running, !self.isCutOff else {
            return action
        }
        self.isCutOff = true
        while let entry = self.events.popFirst() {
            action.refused.append(entry.request)
        }
        for place in self.places.indices {
            guard case .busy(_, let entry) = self.places[place].state, !entry.isClose else {
                continue
            }
            action.kill.append((WorkerID(place: place, generation: self.places[place].generation), entry.request))
        }
        for stuck in action.kill {
            let failed = self.giveUp(stuck.id, .graceIsOver, requestWritten: true, now: now)
            action.start += (failed?.start).map { [$0] } ?? []
        }
        // Once all are gone: what is needed depends on who is left.
        action.start += self.startMore()
        self.noteAvailability(now: now)
        return action
    }
}

extension WorkerFailure {
    static let graceIsOver = WorkerFailure(.exit, "the worker was killed: the grace period is over")
}
