import NIOCore

// Availability for probes: whether the pool has a worker to serve requests.

extension PoolStateMachine {
    /// Whether a worker exists, busy or free, or is starting in the place of one that left as planned: a pool of one
    /// worker is available while `max_jobs` replaces it. A pool without permanent workers (`debug`) always is.
    var isAvailable: Bool {
        self.configuration.numWorkers == 0 || self.ready > 0
            || self.roster.places.contains { place in
                switch place.state {
                case .absent(.backingOff), .absent(.starting): place.standing == .planned
                case .absent(.vacant), .ready: false
                }
            }
    }

    /// Notes when the last worker was lost. Called after every unplanned change of the workers.
    mutating func noteAvailability(now: NIODeadline) {
        if self.isAvailable {
            self.unavailableSince = nil
        } else {
            self.unavailableSince = self.unavailableSince ?? now
        }
    }
}
