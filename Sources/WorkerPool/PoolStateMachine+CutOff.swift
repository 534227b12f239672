import NIOCore

// Near the end of the grace period, stuck requests are given up, so that free workers can serve each client's last
// request.

extension PoolStateMachine {
    /// Requests that a cut-off gives up, now or when they become the first that their worker has.
    var ordinaryRequests: Int {
        self.roster.places.reduce(self.queue.ordinaryCount + self.loyal.ordinaryCount) { count, place in
            count
                + (place.worker?.leases.count { lease in
                    if case .open(let entry) = lease { !entry.isLast } else { false }
                } ?? 0)
        }
    }

    /// Gives up all requests except last ones, including those that are still to come. From now on workers get no
    /// successors unless none is left.
    mutating func cutOffRequests(now: NIODeadline) -> Actions {
        var actions = Actions()
        guard self.phase == .running else {
            return actions
        }
        self.phase = .cutOff
        self.endLoyalty(&actions)
        while let entry = self.queue.popOrdinary() {
            actions.append(.fail(entry.request, .poolClosing))
        }
        self.serveWaiting(now: now, &actions)
        for place in self.roster.places.indices {
            let id = self.roster.id(ofPlace: place)
            if case .open(let entry) = self.roster.worker(of: id)?.leases.first, !entry.isLast {
                self.kill(id, .exit, now: now, &actions)
            }
        }
        // Only after all have been given up: the number of starts depends on the remaining workers.
        self.startMore(&actions)
        self.noteAvailability(now: now)
        return actions
    }
}
