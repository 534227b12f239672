import Synchronization

/// The counters of all servers, by name: those that listen now, and those that still have connections.
final class CountersByServer: Sendable {
    private struct State {
        var counters: [String: ServerCounters] = [:]
        /// Names of servers that listen.
        var wanted: Set<String> = []
    }

    private let loopCount: Int
    private let state = Mutex(State())

    init(loopCount: Int) {
        self.loopCount = loopCount
    }

    /// The counters of a server; they continue those of an earlier server with the same name.
    func counters(for server: String) -> ServerCounters {
        self.state.withLock { state in
            // The server does not listen yet: a call of `counts()` in between must not drop its counters.
            state.wanted.insert(server)
            if let counters = state.counters[server] {
                return counters
            }
            let counters = ServerCounters(loopCount: self.loopCount)
            state.counters[server] = counters
            return counters
        }
    }

    /// Sets the servers that listen from now on.
    func keep(_ servers: Set<String>) {
        self.state.withLock { $0.wanted = servers }
    }

    /// The counts of every server, sorted by name. A removed server is included until its last connection is closed.
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
