import Logging
import NIOCore
import NIOPosix
import Synchronization
import WorkerPool

/// Listens for all configured servers and serves their connections with the workers of a pool.
package final class TCPServer: Sendable {
    package let pool: WorkerPool
    let logger: Logger
    let group: MultiThreadedEventLoopGroup
    /// The connections of each event loop, indexed by the loop's index.
    let homes: [LoopConnections]
    let limit: ConnectionLimit
    /// `nil` if nothing is counted.
    let counters: CountersByServer?
    let desks = AdmissionDesks()
    /// The last result of ``listen(on:keeping:)``; `nil` from ``closeListeners()`` on.
    private let listeners = Mutex<[Listener]?>([])

    /// - Parameters:
    ///   - group: The event loops of the pool, in the same order.
    ///   - isMeasured: Whether connections, events and bytes are counted, for ``counts()``.
    package init(pool: WorkerPool, group: MultiThreadedEventLoopGroup, logger: Logger, isMeasured: Bool = false) {
        self.pool = pool
        self.group = group
        self.logger = logger
        let limit = ConnectionLimit()
        self.limit = limit
        self.homes = group.makeIterator().enumerated().map {
            LoopConnections(eventLoop: $1, loopIndex: $0, limit: limit, pendingAnswers: pool.pendingAnswers)
        }
        self.counters = isMeasured ? CountersByServer(loopCount: self.homes.count) : nil
    }

    /// Finds a connection by its uuid, from any thread.
    package var connections: ConnectionRegistry {
        ConnectionRegistry(homes: self.homes)
    }

    /// Keeps new connections in the backlog while this many are open.
    ///
    /// - Parameter batch: How many connections a listener bound from now on accepts at once; it may exceed the limit by
    ///   that many.
    package func limitConnections(to maximum: Int, batch: Int) {
        self.limit.set(maximum, batch: batch)
    }

    /// Stores the current listeners. Returns `false` if ``closeListeners()`` was called meanwhile.
    func setListeners(_ listeners: [Listener]) -> Bool {
        self.listeners.withLock { current in
            current = current.map { _ in listeners }
            return current != nil
        }
    }

    func listeners(named name: String) -> [Listener] {
        (self.listeners.withLock { $0 } ?? []).filter { $0.server == name }
    }

    /// Servers whose listener has ended and has not been opened again yet.
    package var serversNotListening: [String] {
        (self.listeners.withLock { $0 } ?? []).filter { !$0.isListening }.map(\.server)
    }

    /// Closes every listener permanently, including one that is being bound at the same time.
    package func closeListeners() async {
        let listeners = self.listeners.withLock { listeners in
            defer { listeners = nil }
            return listeners
        }
        for listener in listeners ?? [] {
            await listener.close()
        }
    }

    /// The counts of every server; empty when nothing is counted.
    package func counts() -> [ServerCounts] {
        (self.counters?.counts() ?? []).map { counts in
            var counts = counts
            counts.waitsFor = self.desks.limit(holdingBack: counts.server)
            return counts
        }
    }

    /// Ends every connection between two packets: complete packets are answered, then each connection gets its CLOSE.
    ///
    /// - Parameter rest: How long a session may be idle before it is ended, and until when; `nil`: no wait.
    package func drain(_ rest: Rest?) {
        for home in self.homes {
            home.eventLoop.execute { home.drain(rest) }
        }
    }

    /// Ends also connections with half a packet and those whose client does not read; each gets its CLOSE.
    package func endConnections() {
        for home in self.homes {
            home.eventLoop.execute { home.end() }
        }
    }

    /// Succeeds when the last event of the last connection is done, after ``drain(_:)``. Sockets may still be open for
    /// clients that read their last answer.
    package func sessionsEnded() -> EventLoopFuture<Void> {
        self.whenAll { $0.sessionsEnded() }
    }

    /// Succeeds when no connection is left, after ``drain(_:)``.
    package func socketsClosed() -> EventLoopFuture<Void> {
        self.whenAll { $0.socketsClosed() }
    }

    private func whenAll(
        _ future: @escaping @Sendable (LoopConnections) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<Void> {
        let futures = self.homes.map { home in home.eventLoop.flatSubmit { future(home) } }
        return .andAllComplete(futures, on: self.group.next())
    }

    /// Closes every connection at once because no time is left. Returns when all are closed.
    package func cutOff() async {
        for home in self.homes {
            try? await home.eventLoop.submit { home.cutOff() }.get()
        }
    }

    /// Number of connections that are open or have an event still to be handled.
    package func connectionCount() async -> Int {
        await self.sum { $0.count }
    }

    /// Number of connections with an event still to be handled, or an answer that the client has not taken.
    package func unfinishedCount() async -> Int {
        await self.sum { $0.unfinishedCount }
    }

    /// Whether an answer or a CLOSE was given up since ``drain(_:)``.
    package func hasLost() async -> Bool {
        await self.sum { $0.hasLost ? 1 : 0 } > 0
    }

    private func sum(_ count: @escaping @Sendable (LoopConnections) -> Int) async -> Int {
        var sum = 0
        for home in self.homes {
            sum += (try? await home.eventLoop.submit { count(home) }.get()) ?? 0
        }
        return sum
    }
}
