import NIOCore

// Near the end of the grace period: whatever is stuck is given up, so that free workers can be given each client's last
// request.

extension PoolStateMachine {
    /// Requests that a cut-off gives up, now or when they become the first that their worker has.
    var ordinaryRequests: Int {
        self.roster.places.reduce(self.queue.ordinaryCount) { count, place in
            count
                + (place.worker?.leases.count { lease in
                    if case .open(let entry) = lease { !entry.isLast } else { false }
                } ?? 0)
        }
    }

    /// Gives up every request but the last ones, those to come included. From now on workers have no successors, unless
    /// none is left.
    mutating func cutOffRequests(now: NIODeadline) -> Actions {
        var actions = Actions()
        guard self.phase == .running else {
            return actions
        }
        self.phase = .cutOff
        while let entry = self.queue.popOrdinary() {
            actions.append(.fail(entry.request, .poolClosing))
        }
        for place in self.roster.places.indices {
            let id = self.roster.id(ofPlace: place)
            if case .open(let entry) = self.roster.worker(of: id)?.leases.first, !entry.isLast {
                self.kill(id, .exit, now: now, &actions)
            }
        }
        // Once all are gone: what is needed depends on who is left.
        self.startMore(&actions)
        self.noteAvailability(now: now)
        return actions
    }
}
