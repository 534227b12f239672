/// Brings the connections to a relay's socket together with the workers that they are awaited from.
///
/// A worker may connect before or after it is asked for. No I/O and no clock: each method says who belongs together.
struct RelayMatcher<Connection: Hashable, Claimant> {
    /// Asked for, not connected yet.
    private var claimants: [Int32: Claimant] = [:]
    /// Connected, not asked for yet.
    private var connections: [Int32: Connection] = [:]

    enum IntroductionAction {
        /// The connection is the claimant's.
        case handOver(Claimant)
        /// Nobody has asked for it yet.
        case wait
        /// Another connection has said the same.
        case refuse
    }

    /// A connection has said which process is at its other end.
    mutating func introduced(_ connection: Connection, as process: Int32) -> IntroductionAction {
        if let claimant = self.claimants.removeValue(forKey: process) {
            return .handOver(claimant)
        }
        guard self.connections[process] == nil else {
            return .refuse
        }
        self.connections[process] = connection
        return .wait
    }

    /// Somebody wants the connection of a process.
    ///
    /// - Returns: The connection, if it is there already; else it is told by ``introduced(_:as:)``.
    mutating func claim(_ process: Int32, for claimant: Claimant) -> Connection? {
        if let connection = self.connections.removeValue(forKey: process) {
            return connection
        }
        self.claimants[process] = claimant
        return nil
    }

    /// The connection of a process is not wanted any more.
    ///
    /// - Returns: Who waited for it, if it has not come.
    mutating func abandon(_ process: Int32) -> Claimant? {
        self.claimants.removeValue(forKey: process)
    }

    /// A connection that waited to be asked for is gone.
    mutating func closed(_ connection: Connection) {
        self.connections = self.connections.filter { $0.value != connection }
    }

    /// - Returns: All who still wait.
    mutating func abandonAll() -> [Claimant] {
        defer { self.claimants = [:] }
        return Array(self.claimants.values)
    }
}
