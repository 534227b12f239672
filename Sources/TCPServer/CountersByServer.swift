import Synchronization

/// The counters of all servers, by name: what listens now, and what still has connections.
final class CountersByServer: Sendable {
    private struct State {
        var counters: [String: ServerCounters] = [:]
        /// Names that are listened for.
        var wanted: Set<String> = []
    }

    private let loopCount: Int
    private let state = Mutex(State())

    init(loopCount: Int) {
        self.loopCount = loopCount
    }

    /// The counters of a server, which go on where an earlier one of that name has ended.
    func counters(for server: String) -> ServerCounters {
        self.state.withLock { state in
            // Before it listens: a look at the counts in between must not drop it.
            state.wanted.insert(server)
            if let counters = state.counters[server] {
                return counters
            }
            let counters = ServerCounters(loopCount: self.loopCount)
            state.counters[server] = counters
            return counters
        }
    }

    /// Says what is listened for from now on.
    func keep(_ servers: Set<String>) {
        self.state.withLock { $0.wanted = servers }
    }

    /// The counts of every server in the order of names; those of one that is gone until its last connection is closed.
    func counts() -> [ServerCounts] {
        self.state.withLock { state in
            let counts = state.counters.map { $1.counts(server: $0) }
            let (kept, gone) = (state.wanted, counts.filter { $0.open == 0 && !state.wanted.contains($0.server) })
            for count in gone {
                state.counters[count.server] = nil
            }
            return counts.filter { kept.contains($0.server) || $0.open > 0 }.sorted { $0.server < $1.server }
        }
    }
}
