/// Matches the connections to a relay's socket with the workers that they are awaited from.
///
/// A worker may connect before or after its connection is claimed. No I/O and no clock: each method returns the match,
/// if any. The caller verifies beforehand that a connection is the worker's.
struct RelayMatcher<Connection: Hashable, Claimant> {
    private enum Place {
        /// Claimed, not connected yet. Can become `served`.
        case awaited(Claimant)
        /// Connected, not claimed yet. Can become `served`; removed with its connection.
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

    /// The relation of a process to the workers.
    enum Standing: Equatable {
        /// Its connection is claimed and awaited.
        case isAwaited
        /// It already has a connection.
        case isTaken
        /// Its connection has not been claimed so far.
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
    /// - Returns: The claimant, if there is one; otherwise the connection is parked.
    mutating func connected(_ connection: Connection, as process: Int32) -> Claimant? {
        guard case .awaited(let claimant) = self.places[process] else {
            self.places[process] = .parked(connection)
            return nil
        }
        self.places[process] = .served
        return claimant
    }

    /// The parked connection of a process.
    func parked(as process: Int32) -> Connection? {
        self.places[process]?.parked
    }

    /// Claims the connection of a process.
    ///
    /// - Parameter isParked: Whether it is the parked one.
    mutating func claim(_ process: Int32, for claimant: Claimant, isParked: Bool) {
        self.places[process] = isParked ? .served : .awaited(claimant)
    }

    /// The process has ended, or its connection is no longer wanted.
    ///
    /// - Returns: The claimant, if the connection has not come, and the connection, if it was not claimed.
    mutating func abandon(_ process: Int32) -> (Claimant?, Connection?) {
        switch self.places.removeValue(forKey: process) {
        case .awaited(let claimant): (claimant, nil)
        case .parked(let connection): (nil, connection)
        case .served, nil: (nil, nil)
        }
    }

    /// A connection, which may have been parked, is closed.
    mutating func closed(_ connection: Connection) {
        self.places = self.places.filter { $0.value.parked != connection }
    }

    /// - Returns: All waiting claimants.
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
