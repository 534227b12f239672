public import Logging
public import NIOCore
public import NIOPosix
import Synchronization
public import WorkerPool

/// Listens on all configured servers and serves their connections with the workers of a pool.
public final class TCPServer: Sendable {
    let pool: WorkerPool
    let logger: Logger
    let group: MultiThreadedEventLoopGroup
    /// The connections of each event loop, by the loop's index.
    let homes: [LoopConnections]
    let limit: ConnectionLimit
    /// `nil` when nothing is counted.
    let counters: CountersByServer?
    /// What ``listen(on:keeping:)`` returned last.
    private let listeners = Mutex<[Listener]>([])

    /// - Parameters:
    ///   - group: The event loops of the pool, in the same order.
    ///   - isMeasured: Whether connections, events and bytes are counted, for ``counts()``.
    public init(pool: WorkerPool, group: MultiThreadedEventLoopGroup, logger: Logger, isMeasured: Bool = false) {
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

    /// Lets new connections wait in the backlog while this many are open.
    ///
    /// - Parameter batch: How many a listener that is bound from now on accepts in a row, and so may be over the limit.
    public func limitConnections(to maximum: Int, batch: Int) {
        self.limit.set(maximum, batch: batch)
    }

    /// Listens on every server, keeping what is listened on already.
    ///
    /// Listeners that are kept are reconfigured, those that are not wanted any more closed; both only when all the
    /// others could be bound.
    ///
    /// - Parameter current: What an earlier call returned.
    /// - Throws: ``ListenError`` when one cannot be listened on; nothing has changed then.
    public func listen(
        on servers: [ServerConfiguration],
        keeping current: [Listener] = []
    ) async throws -> [Listener] {
        var kept: [(Listener, ServerConfiguration)] = []
        var opened: [Listener] = []
        do {
            for server in servers {
                if let same = current.first(where: { $0.serves(server) && $0.server == server.name })
                    ?? current.first(where: { $0.serves(server) })
                {
                    kept.append((same, server))
                } else {
                    opened.append(try await self.listen(on: server))
                }
            }
        } catch {
            for listener in opened {
                await listener.close()
            }
            self.counters?.keep(Set(current.map(\.server)))
            throw error
        }
        let listeners = kept.map(\.0) + opened
        // Before others are closed: those are not missed.
        self.listeners.withLock { $0 = listeners }
        for listener in current where !kept.contains(where: { $0.0 === listener }) {
            await listener.close()
        }
        for (listener, server) in kept {
            listener.reconfigure(server)
        }
        self.counters?.keep(Set(servers.map(\.name)))
        return listeners
    }

    /// Servers whose listener has ended and is not there again yet.
    public var serversNotListening: [String] {
        self.listeners.withLock { $0 }.filter { !$0.isListening }.map(\.server)
    }

    /// The counts of every server; empty when nothing is counted.
    public func counts() -> [ServerCounts] {
        self.counters?.counts() ?? []
    }

    /// Ends every connection between two packets: an event that is running is answered, then each gets its CLOSE.
    ///
    /// - Parameter idle: How long a session may rest before it is ended; `nil` ends them without a wait.
    /// - Returns: Done when no connection is left.
    public func drain(idle: TimeAmount?) -> EventLoopFuture<Void> {
        let futures = self.homes.map { home in
            home.eventLoop.flatSubmit { home.drain(idle: idle) }
        }
        return .andAllComplete(futures, on: self.group.next())
    }

    /// Ends what ``drain(idle:)`` has left, also connections whose client does not read: each gets its CLOSE.
    ///
    /// - Returns: Done when no connection is left.
    public func end() -> EventLoopFuture<Void> {
        .andAllComplete(self.homes.map { home in home.eventLoop.flatSubmit { home.end() } }, on: self.group.next())
    }

    /// Closes every connection at once: there is no time left. Returns when that is done.
    public func cutOff() async {
        for home in self.homes {
            try? await home.eventLoop.submit { home.cutOff() }.get()
        }
    }

    /// Connections that are not over: open, or with an event still to be handled.
    public func connectionCount() async -> Int {
        var count = 0
        for home in self.homes {
            count += (try? await home.eventLoop.submit { home.count }.get()) ?? 0
        }
        return count
    }
}
