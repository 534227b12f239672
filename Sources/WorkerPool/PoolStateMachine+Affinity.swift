import NIOCore

// Requests that prefer a worker. A free worker is worth more than the preferred one unless a request has patience: then it
// waits for that worker, though others may be idle.

extension PoolStateMachine {
    mutating func submit(
        _ request: Request,
        _ affinity: Affinity,
        isLast: Bool,
        loopIndex: Int,
        now: NIODeadline
    ) -> Actions {
        let limit = self.configuration.maxQueueSize
        guard self.phase == .running, self.configuration.numWorkers > 0,
            limit == 0 || isLast || self.running + self.waiting < limit,
            let place = self.roster.preferredPlace(affinity.key)
        else {
            return self.submit(request, isLast: isLast, loopIndex: loopIndex, now: now)
        }
        var actions = Actions()
        if self.roster.takeFree(place: place) || self.hasRoom(place) {
            self.serve(self.queue.entry(request, isLast: isLast, now: now), with: place, now: now, &actions)
            return actions
        }
        guard affinity.patience > .zero else {
            return self.submit(request, isLast: isLast, loopIndex: loopIndex, now: now)
        }
        // Half of the time is left for any worker.
        let most = TimeAmount.nanoseconds(self.configuration.allocateTimeout.nanoseconds / 2)
        let patience = min(affinity.patience, most)
        let entry = self.queue.entry(request, isLast: isLast, now: now)
        if let deadline = self.loyal.append(entry, slot: self.roster.places[place].slot, end: now + patience) {
            actions.append(.armPatience(deadline))
        }
        return actions
    }

    /// Whether a busy worker may be given another request, and none waits for it. One that is free would be better: what a
    /// worker has, it keeps.
    private mutating func hasRoom(_ place: Int) -> Bool {
        guard !self.roster.hasFree, self.queue.isEmpty,
            self.loyal.firstTicket(slot: self.roster.places[place].slot) == nil
        else {
            return false
        }
        let depth = self.depth
        return self.roster.withWorker(place) { $0.pipelines && $0.leases.count < depth }
    }

    /// As ``fill(_:now:_:)``, with the requests that wait for this worker.
    mutating func fillFromBoth(_ place: Int, now: NIODeadline, _ actions: inout Actions) -> Bool {
        let (pipelines, count) = self.roster.withWorker(place) { ($0.pipelines, $0.leases.count) }
        let depth = pipelines && !self.roster.hasFree ? self.depth : 1
        var given = 0
        while count + given < depth, let entry = self.popFirst(for: place) {
            self.serve(entry, with: place, now: now, &actions)
            given += 1
        }
        return given > 0
    }

    /// The next request that this worker may have, in the order in which they came.
    private mutating func popFirst(for place: Int) -> Entry? {
        let slot = self.roster.places[place].slot
        guard let loyal = self.loyal.firstTicket(slot: slot), loyal < self.queue.firstTicket else {
            return self.queue.popFirst()
        }
        return self.loyal.popFirst(slot: slot)
    }

    /// The patience of some requests may be over: any worker may have them.
    ///
    /// - Parameter deadline: The timer's deadline; the event is ignored if an earlier timer has replaced this one.
    mutating func patienceEnded(at deadline: NIODeadline, now: NIODeadline) -> Actions {
        var actions = Actions()
        guard self.loyal.timerFired(at: deadline) else {
            return actions
        }
        for entry in self.loyal.takeImpatient(by: now) {
            if let place = self.roster.takeFree(loopIndex: 0) {
                self.serve(entry, with: place, now: now, &actions)
            } else if self.queue.isEmpty, let place = self.roster.findRoom(depth: self.depth) {
                self.serve(entry, with: place, now: now, &actions)
            } else {
                self.queue.insert(entry, timeout: self.configuration.allocateTimeout)
            }
        }
        self.armTimer(&actions)
        if let deadline = self.loyal.armTimer() {
            actions.append(.armPatience(deadline))
        }
        self.startMore(&actions)
        return actions
    }

    /// Ends the patience of requests whose worker has left: what it knew is lost.
    mutating func forgetLost(_ actions: inout Actions) {
        guard !self.loyal.isEmpty else {
            return
        }
        let roster = self.roster
        if let deadline = self.loyal.endPatience(ofSlots: { !roster.serves(slot: $0) }) {
            actions.append(.armPatience(deadline))
        }
    }

    /// Has last requests wait for any worker, as none is left that could be worth waiting for, and gives up the others.
    mutating func endLoyalty(_ actions: inout Actions) {
        for entry in self.loyal.takeImpatient(by: .distantFuture) {
            if entry.isLast {
                self.queue.insert(entry, timeout: self.configuration.allocateTimeout)
            } else {
                actions.append(.fail(entry.request, .poolClosing))
            }
        }
    }

    /// Idle workers serve requests that waited for another one.
    mutating func serveWaiting(now: NIODeadline, _ actions: inout Actions) {
        while !self.queue.isEmpty, let place = self.roster.takeFree(loopIndex: 0), let entry = self.queue.popFirst() {
            self.serve(entry, with: place, now: now, &actions)
        }
    }
}
