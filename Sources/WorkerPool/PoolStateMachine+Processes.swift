import NIOCore

// Processes: a worker that was given up may live on for a while, gathering what it wrote by mistake, or not reaped yet.
// It counts until then, so that workers that fail again and again are never more processes than the pool may have.

extension PoolStateMachine {
    /// Processes that may be started now.
    ///
    /// Those on their planned way out do not count, so that nobody waits for them in an ordinary reset: left as planned,
    /// or to leave after their answer. More than ``mostLeaving`` do: workers that leave faster than they end would be
    /// more and more processes.
    private var room: Int {
        let retiring = self.places.count { place in
            if case .busy(let worker, _) = place.state { worker.isRetiring } else { false }
        }
        let counted = self.processes - min(self.leaving.count + retiring, self.mostLeaving)
        return self.configuration.maximumWorkers + self.replacingLimit - counted
    }

    /// Processes on their planned way out that do not count: a whole pool, and a few for a small one, whose workers may
    /// leave one soon after the other.
    private var mostLeaving: Int {
        max(self.configuration.maximumWorkers, 16)
    }

    enum LaunchAction: Hashable {
        /// The process is to be started.
        case go
        /// It is not wanted any more.
        case cancel
        /// There is no room: it is tried again when there is room. This worker, which was given up, is to be killed for
        /// it.
        case wait(kill: WorkerID?)
    }

    /// The wait before a worker's start is over.
    mutating func launch(_ id: WorkerID) -> LaunchAction {
        guard case .backingOff = self.state(of: id) else {
            return .cancel
        }
        guard self.room > 0 else {
            self.launchQueue.append(id)
            return .wait(kill: self.lost.popFirst())
        }
        self.places[id.place].state = .starting
        // What it reads at its start is of now.
        self.places[id.place].epoch = self.epoch
        self.processes += 1
        return .go
    }

    /// Starts that waited for room, as many as there is room for.
    mutating func launchesWithRoom() -> [StartAction] {
        guard !self.launchQueue.isEmpty, self.phase == .starting || self.phase == .running else {
            return []
        }
        return (0..<min(max(0, self.room), self.launchQueue.count)).map { _ in
            StartAction(id: self.launchQueue.removeFirst(), delay: .zero)
        }
    }

    /// Notes how a worker leaves its place.
    mutating func noteLeave(_ id: WorkerID, _ state: PlaceState, _ cause: Cause) {
        let isRetiring: Bool
        switch state {
        case .vacant:
            return
        case .backingOff:
            self.launchQueue.removeAll { $0 == id }
            return
        case .starting:
            isRetiring = false
        case .idle(let worker), .busy(let worker, _):
            isRetiring = worker.isRetiring
        }
        switch cause {
        case .failure where !isRetiring: self.lost.append(id)
        case .failure, .plan: self.leaving.insert(id)
        }
    }

    struct ReapAction {
        /// Whether it was the last process of a pool that is closing.
        var isClosed: Bool
        /// What may be started now.
        var start: [StartAction]
    }

    /// A process that ``launch(_:)`` allowed has been reaped, or never came to be.
    mutating func reaped(_ id: WorkerID) -> ReapAction {
        self.processes -= 1
        if self.leaving.remove(id) == nil {
            self.lost.removeAll { $0 == id }
        }
        return ReapAction(isClosed: self.closeIfDone(), start: self.launchesWithRoom())
    }
}
