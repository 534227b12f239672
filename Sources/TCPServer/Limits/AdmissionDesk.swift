import Addresses
import Logging
import NIOCore
import Sockets
import Synchronization

/// The ``Admission`` of a server: shared by its listeners, by all event loops, and by reloads.
final class AdmissionDesk: Sendable {
    enum Entry {
        /// Must be given back with ``Seat/leave()``.
        case seat(Seat)
        case refused
    }

    private struct State {
        var limits: AdmissionLimits
        var admission = Admission()
        /// Of a line for each refusal, if the server has an access log.
        var accessLevel: Logger.Level?
        /// Bounds those lines.
        var lines = RateBucket()
        var episodes: [Refusal: RefusalEpisode] = [:]
        /// The limit that connections wait for now.
        var waitsFor: Refusal?

        /// The level of the next line about a refusal.
        mutating func takeLine(at now: UInt64) -> Logger.Level {
            guard let accessLevel, self.lines.room(AdmissionDesk.lineRate, at: now) > 0 else {
                return .debug
            }
            self.lines.take(AdmissionDesk.lineRate, at: now)
            return accessLevel
        }
    }

    /// How often an episode of refusals is checked for its end.
    private static let episodeInterval = TimeAmount.seconds(60)

    /// The most lines of refusals: ten a second, of each server.
    private static let lineRate = Rate(10, in: 1_000_000_000, burst: 10)

    private let server: String
    private let counters: ServerCounters?
    private let logger: Logger
    private let state: Mutex<State>

    init(
        _ limits: AdmissionLimits, accessLevel: Logger.Level?, server: String, counters: ServerCounters?, logger: Logger
    ) {
        self.server = server
        self.counters = counters
        self.logger = logger
        self.state = Mutex(State(limits: limits, accessLevel: accessLevel))
    }

    /// Sets the limits of new connections.
    func update(_ limits: AdmissionLimits, accessLevel: Logger.Level?) {
        self.state.withLock { state in
            state.limits = limits
            state.accessLevel = accessLevel
        }
    }

    /// A connection was accepted; see ``Admission/enter(_:isClient:_:at:)``.
    ///
    /// - Parameter eventLoop: Where the caller is.
    func enter(_ peer: IPAddress?, isClient: Bool, on eventLoop: any EventLoop) -> Entry {
        let now = Self.now
        let (verdict, isDryRun) = self.state.withLock { state in
            (state.admission.enter(peer, isClient: isClient, state.limits, at: now), state.limits.isDryRun)
        }
        self.report(verdict, of: peer, isAccepted: false, isDryRun: isDryRun, on: eventLoop)
        switch verdict {
        case .admitted: return .seat(Seat(self, client: isClient ? peer : nil, isIdentified: isClient))
        case .refused: return .refused
        }
    }

    /// - Returns: Whether the client may stay.
    fileprivate func identify(_ client: IPAddress, on eventLoop: any EventLoop) -> Bool {
        let now = Self.now
        let (verdict, isDryRun) = self.state.withLock { state in
            (state.admission.identify(client, state.limits, at: now), state.limits.isDryRun)
        }
        self.report(verdict, of: client, isAccepted: true, isDryRun: isDryRun, on: eventLoop)
        if case .refused = verdict { return false }
        return true
    }

    fileprivate func leave(_ client: IPAddress?) {
        self.state.withLock { $0.admission.leave(client) }
    }

    private static var now: UInt64 {
        NIODeadline.now().uptimeNanoseconds
    }

    // MARK: Reports

    private func report(
        _ verdict: Admission.Verdict, of client: IPAddress?, isAccepted: Bool, isDryRun: Bool,
        on eventLoop: any EventLoop
    ) {
        let refusal: Refusal
        switch verdict {
        case .admitted(despite: nil): return
        case .admitted(despite: let limit?):
            refusal = limit
            self.counters?.spared(limit)
        case .refused(let limit):
            refusal = limit
            self.counters?.refused(limit, isAccepted: isAccepted)
        }
        let now = Self.now
        let (level, begins) = self.state.withLock { state in
            (state.takeLine(at: now), state.episodes[refusal, default: RefusalEpisode()].refused())
        }
        // fail2ban reads this line: deploy/fail2ban.
        self.logger.log(
            level: level,
            isDryRun ? "a client would be refused" : "client refused",
            metadata: self.metadata(refusal, ["ip": "\(client.map { "\($0)" } ?? "@")"])
        )
        if begins {
            self.logger.warning(
                isDryRun ? "clients would be refused (limits_dry_run)" : "clients are being refused",
                metadata: self.metadata(refusal, ["first": "\(client.map { "\($0)" } ?? "@")"])
            )
            self.watch(refusal, on: eventLoop)
        }
    }

    private func watch(_ refusal: Refusal, on eventLoop: any EventLoop) {
        eventLoop.scheduleTask(in: Self.episodeInterval) {
            guard let count = self.state.withLock({ $0.episodes[refusal]?.check() }) else {
                return self.watch(refusal, on: eventLoop)
            }
            self.logger.warning(
                "no client was refused any more for a minute", metadata: self.metadata(refusal, ["count": "\(count)"]))
        }
    }

    private func metadata(_ refusal: Refusal, _ more: Logger.Metadata) -> Logger.Metadata {
        var metadata = more
        metadata["server"] = "\(self.server)"
        metadata["reason"] = "\(refusal.rawValue)"
        return metadata
    }

    // MARK: Before connections are accepted

    func wait() -> (refusal: Refusal, time: TimeAmount)? {
        let now = Self.now
        return self.state.withLock { state in
            guard let wait = state.admission.wait(state.limits, at: now) else {
                state.waitsFor = nil
                return nil
            }
            if state.waitsFor != wait.refusal {
                state.waitsFor = wait.refusal
                self.counters?.waited(wait.refusal)
            }
            return (wait.refusal, .nanoseconds(Int64(clamping: wait.nanoseconds)))
        }
    }

    /// Asked by nobody who accepts: ``waitsFor`` stays as it is.
    var limitNow: Refusal? {
        let now = Self.now
        return self.state.withLock { $0.admission.wait($0.limits, at: now)?.refusal }
    }

    var waitsFor: Refusal? {
        self.state.withLock { $0.waitsFor }
    }

    var room: Int {
        let now = Self.now
        return self.state.withLock { $0.admission.room($0.limits, at: now) }
    }
}

/// A connection that the ``AdmissionDesk`` has admitted. Confined to the connection's event loop.
final class Seat: @unchecked Sendable {
    private let desk: AdmissionDesk
    private var client: IPAddress?
    private var isIdentified: Bool

    fileprivate init(_ desk: AdmissionDesk, client: IPAddress?, isIdentified: Bool) {
        self.desk = desk
        self.client = client
        self.isIdentified = isIdentified
    }

    /// The client is known: the limits by address apply to it, if they did not before.
    ///
    /// - Parameter client: `nil` if there is none: a balancer speaks for itself.
    /// - Returns: Whether it may stay.
    func identify(_ client: IPAddress?, on eventLoop: any EventLoop) -> Bool {
        guard !self.isIdentified else {
            return true
        }
        self.isIdentified = true
        guard let client else {
            return true
        }
        let stays = self.desk.identify(client, on: eventLoop)
        self.client = stays ? client : nil
        return stays
    }

    /// The connection is over. Called once.
    func leave() {
        self.desk.leave(self.client)
    }
}

/// The limits of a server for which connections wait, as its listeners ask for them.
struct ServerAcceptLimit: AcceptLimit {
    let environment: CurrentEnvironment

    var reason: String {
        switch self.environment.value.desk?.waitsFor {
        case .acceptRate: "connections come faster than accept_rate"
        default: "too many connections for max_connections"
        }
    }

    func delay() -> TimeAmount? {
        self.environment.value.desk?.wait()?.time
    }

    var room: Int {
        self.environment.value.desk?.room ?? .max
    }
}

/// The desks of all servers that have limits, by name.
final class AdmissionDesks: Sendable {
    private let desks = Mutex<[String: AdmissionDesk]>([:])

    /// The desk of a server; `nil` if it never had any limits. One that there is keeps its limits until ``update(_:)``.
    func desk(
        for server: String, _ limits: AdmissionLimits, accessLevel: Logger.Level?, counters: ServerCounters?,
        logger: Logger
    ) -> AdmissionDesk? {
        self.desks.withLock { desks in
            if let desk = desks[server] {
                // It knows the open connections, even if there is no limit any more.
                return desk
            }
            guard !limits.isEmpty else {
                return nil
            }
            let desk = AdmissionDesk(
                limits, accessLevel: accessLevel, server: server, counters: counters, logger: logger)
            desks[server] = desk
            return desk
        }
    }

    /// Puts the limits of servers in force, of those that have a desk.
    func update(_ servers: [ListenerConfiguration]) {
        self.desks.withLock { desks in
            for server in servers {
                desks[server.server]?.update(server.admission, accessLevel: server.accessLog?.level)
            }
        }
    }

    /// The limit that a new connection of a server would have to wait for now.
    func limit(holdingBack server: String) -> Refusal? {
        self.desks.withLock { $0[server] }?.limitNow
    }

    /// Forgets the servers that listen no longer.
    func keep(_ servers: Set<String>) {
        self.desks.withLock { desks in desks = desks.filter { servers.contains($0.key) } }
    }
}
