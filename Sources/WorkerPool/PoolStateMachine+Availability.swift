import NIOCore

// What a probe asks for: whether there is anybody to serve with.

extension PoolStateMachine {
    /// Whether a worker is there, busy or free, or on its way in the place of one that left as planned: a pool of one
    /// worker is available while `max_jobs` replaces it. A pool that keeps no workers (`debug`) always is.
    var isAvailable: Bool {
        self.configuration.numWorkers == 0 || self.ready > 0
            || self.roster.places.contains { place in
                switch place.state {
                case .absent(.backingOff), .absent(.starting): place.standing == .planned
                case .absent(.vacant), .ready: false
                }
            }
    }

    /// Notes when the last worker was lost, after anything by which workers come and go unplanned.
    mutating func noteAvailability(now: NIODeadline) {
        if self.isAvailable {
            self.unavailableSince = nil
        } else {
            self.unavailableSince = self.unavailableSince ?? now
        }
    }
}
