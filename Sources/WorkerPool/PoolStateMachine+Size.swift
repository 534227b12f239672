import NIOCore

// What is asked of the pool while it runs: one worker more or less, and how far a reset has come.

/// Why the pool does not change its size.
package enum PoolSizeFault: Error, Sendable, Hashable {
    /// It is starting or stopping.
    case notServing
    /// It keeps no workers (`debug`).
    case keepsNone
    case atMaximum
    case atMinimum
}

/// How far a reset has come.
package enum ResetProgress: Sendable, Hashable {
    case running
    case done
    /// This many workers go on: too many successors could not be started.
    case givenUp(Int)
    /// The pool is starting or stopping.
    case notServing
}

extension PoolStateMachine {
    /// Keeps one worker more, until the next configuration.
    ///
    /// - Parameter maximum: The most workers that the pool may keep.
    /// - Returns: The worker that is started; `nil` if one beyond the number stays instead.
    mutating func addWorker(maximum: Int, _ actions: inout Actions) throws(PoolSizeFault) -> WorkerID? {
        guard self.phase == .running else { throw .notServing }
        guard self.configuration.numWorkers > 0 else { throw .keepsNone }
        guard self.configuration.numWorkers < maximum else { throw .atMaximum }
        self.configuration.numWorkers += 1
        let isWanted = self.roster.counted < self.configuration.numWorkers
        let start = isWanted ? self.startWorker(in: self.roster.vacantPlace(), as: .counted, &actions) : nil
        self.startMore(&actions)
        return start?.id
    }

    /// Keeps one worker less, until the next configuration: one that does nothing leaves at once; if there is none, a
    /// busy one when it has answered what it has.
    ///
    /// - Parameter sparing: Whether a worker is not to be the one, as long as another can be.
    mutating func removeWorker(sparing: (Handle) -> Bool, _ actions: inout Actions) throws(PoolSizeFault) {
        guard self.phase == .running else { throw .notServing }
        guard self.configuration.numWorkers > 0 else { throw .keepsNone }
        guard self.configuration.numWorkers > 1 else { throw .atMinimum }
        self.configuration.numWorkers -= 1
        guard self.roster.counted > self.configuration.numWorkers else {
            return
        }
        let candidates = self.roster.places.indices.filter { self.roster.places[$0].standing.isCounted }
        let place = candidates.min { self.value(ofPlace: $0, sparing) < self.value(ofPlace: $1, sparing) }
        if let place {
            self.release(place, &actions)
        }
        self.startMore(&actions)
    }

    /// How much is lost with a worker: least with one that cannot be started.
    private func value(ofPlace place: Int, _ sparing: (Handle) -> Bool) -> Int {
        switch self.roster.places[place].state {
        case .absent: self.roster.places[place].failures > 0 ? 0 : 2
        case .ready(let worker) where worker.leases.isEmpty: 1
        case .ready(let worker): sparing(worker.handle) ? 4 : 3
        }
    }

    /// How far the reset with a number has come, or a later one.
    ///
    /// - Parameter sparing: Whether a busy worker, whose successor is ready, is not waited for.
    func resetProgress(_ epoch: UInt64, sparing: (Handle) -> Bool) -> ResetProgress {
        guard self.phase == .running else {
            return .notServing
        }
        var givenUp = 0
        for place in self.roster.places {
            switch place.state {
            case .absent(.starting(let started)) where started < epoch && place.standing != .uncounted:
                return .running
            case .absent:
                break
            case .ready(let worker) where worker.epoch < epoch:
                switch worker.fate {
                case .replaced: return .running
                case .staying: givenUp += 1
                case .retiring, .retiringInTime, .killed:
                    guard sparing(worker.handle) else { return .running }
                }
            case .ready:
                break
            }
        }
        guard givenUp == 0 else {
            return .givenUp(givenUp)
        }
        return self.ready > 0 || self.configuration.numWorkers == 0 ? .done : .running
    }
}
