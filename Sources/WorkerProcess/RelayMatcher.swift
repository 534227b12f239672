/// Brings the connections to a relay's socket together with the workers that they are awaited from.
///
/// A worker may connect before or after it is asked for. No I/O and no clock: each method says who belongs together. That
/// a connection is the worker's is found out before by who asks.
struct RelayMatcher<Connection: Hashable, Claimant> {
    private enum Place {
        /// Asked for, not connected yet. Can become `served`.
        case awaited(Claimant)
        /// Connected, not asked for yet. Can become `served`; gone when its connection is.
        case parked(Connection)
        /// Has its connection.
        case served

        var parked: Connection? {
            guard case .parked(let connection) = self else {
                return nil
            }
            return connection
        }
    }

    /// By the worker's process, until it is abandoned.
    private var places: [Int32: Place] = [:]

    /// What a process has to do with workers.
    enum Standing: Equatable {
        /// It may have a connection: it is asked for.
        case isAwaited
        /// Another connection is its own already.
        case isTaken
        /// It was not asked for so far.
        case isUnknown
    }

    func standing(of process: Int32) -> Standing {
        switch self.places[process] {
        case .awaited: .isAwaited
        case .parked, .served: .isTaken
        case nil: .isUnknown
        }
    }

    /// A connection is a worker's.
    ///
    /// - Returns: Whose it is, if it was asked for; else it waits for that.
    mutating func connected(_ connection: Connection, as process: Int32) -> Claimant? {
        guard case .awaited(let claimant) = self.places[process] else {
            self.places[process] = .parked(connection)
            return nil
        }
        self.places[process] = .served
        return claimant
    }

    /// The connection that waits to be asked for as a process's.
    func parked(as process: Int32) -> Connection? {
        self.places[process]?.parked
    }

    /// Somebody wants the connection of a process.
    ///
    /// - Parameter isParked: Whether it is the one that waits for that.
    mutating func claim(_ process: Int32, for claimant: Claimant, isParked: Bool) {
        self.places[process] = isParked ? .served : .awaited(claimant)
    }

    /// The process has ended, or its connection is not wanted any more.
    ///
    /// - Returns: Who waited for it, if it has not come, and the connection that nobody has asked for.
    mutating func abandon(_ process: Int32) -> (Claimant?, Connection?) {
        switch self.places.removeValue(forKey: process) {
        case .awaited(let claimant): (claimant, nil)
        case .parked(let connection): (nil, connection)
        case .served, nil: (nil, nil)
        }
    }

    /// A connection that may have waited to be asked for is gone.
    mutating func closed(_ connection: Connection) {
        self.places = self.places.filter { $0.value.parked != connection }
    }

    /// - Returns: All who still wait.
    mutating func abandonAll() -> [Claimant] {
        defer { self.places = [:] }
        return self.places.values.compactMap { place in
            guard case .awaited(let claimant) = place else {
                return nil
            }
            return claimant
        }
    }
}
