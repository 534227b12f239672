import NIOCore

// Near the end of the grace period: whoever is stuck is given up, so that workers which are free can tell of each client's
// end.

extension PoolStateMachine {
    struct CutOffAction {
        /// Requests that waited.
        var refused: [Request] = []
        /// Workers that are stuck, and their requests.
        var kill: [(id: WorkerID, request: Request)] = []
        /// A worker for what is to come, when none is left.
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
            let id = WorkerID(place: place, generation: self.places[place].generation)
            let failed = self.failed(id, .graceIsOver, requestWritten: true, now: now)
            action.kill.append((id, entry.request))
            action.start += failed.start.map { [$0] } ?? []
        }
        return action
    }
}

extension WorkerFailure {
    static let graceIsOver = WorkerFailure(.exit, "the worker was killed: the grace period is over")
}
