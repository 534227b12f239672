import Addresses

/// Decides which connections of a server are let in. No I/O and no clock: times are nanoseconds of one that only grows.
struct Admission {
    enum Verdict: Hashable {
        /// In a dry run also despite a limit.
        case admitted(despite: Refusal?)
        case refused(Refusal)
    }

    /// Connections that were admitted and have not left.
    private(set) var open = 0
    private var accepts = RateBucket()
    private var clients = ClientTable()

    /// A connection was accepted.
    ///
    /// - Parameters:
    ///   - peer: `nil` on a unix socket.
    ///   - isClient: Whether the peer is the client: a PROXY header may name another later, see ``identify(_:_:at:)``.
    mutating func enter(_ peer: IPAddress?, isClient: Bool, _ limits: AdmissionLimits, at now: UInt64) -> Verdict {
        let refusal = self.refusal(of: peer, isClient: isClient, limits, now)
        if let refusal, !limits.isDryRun, refusal != .acceptRate {
            return .refused(refusal)
        }
        self.open += 1
        if let rate = limits.accepts {
            self.accepts.take(rate, at: now)
        }
        if isClient, let peer {
            self.count(peer, limits, now)
        }
        return .admitted(despite: limits.isDryRun ? refusal : nil)
    }

    private func refusal(of peer: IPAddress?, isClient: Bool, _ limits: AdmissionLimits, _ now: UInt64) -> Refusal? {
        if let peer, !limits.admits(peer) {
            return .denied
        }
        if let most = limits.connections, self.open >= most, limits.closesBeyond || limits.isDryRun {
            return .maxConnections
        }
        if isClient, let peer, let refusal = self.refusal(of: peer, limits, now) {
            return refusal
        }
        if let rate = limits.accepts, limits.isDryRun, self.accepts.room(rate, at: now) == 0 {
            return .acceptRate
        }
        return nil
    }

    /// The limits by address.
    private func refusal(of client: IPAddress, _ limits: AdmissionLimits, _ now: UInt64) -> Refusal? {
        let key = ClientTable.key(of: client)
        if let most = limits.connectionsPerClient, self.clients.openCount(key) >= most {
            return .maxConnectionsPerIP
        }
        if let rate = limits.acceptsPerClient, self.clients.room(key, rate, at: now) == 0 {
            return .acceptRatePerIP
        }
        return nil
    }

    private mutating func count(_ client: IPAddress, _ limits: AdmissionLimits, _ now: UInt64) {
        let key = ClientTable.key(of: client)
        self.clients.opened(key)
        if let rate = limits.acceptsPerClient {
            self.clients.take(key, rate, at: now)
        }
    }

    /// The client of a connection that has entered is known. If it is refused, the connection must still leave, without
    /// a client.
    mutating func identify(_ client: IPAddress, _ limits: AdmissionLimits, at now: UInt64) -> Verdict {
        let refusal = limits.admits(client) ? self.refusal(of: client, limits, now) : .denied
        if let refusal, !limits.isDryRun {
            return .refused(refusal)
        }
        self.count(client, limits, now)
        return .admitted(despite: refusal)
    }

    /// - Parameter client: With which the connection was counted, if it was.
    mutating func leave(_ client: IPAddress?) {
        self.open -= 1
        if let client {
            self.clients.closed(ClientTable.key(of: client))
        }
    }

    // MARK: Before connections are accepted

    /// The limit for which connections have to wait, and for how many nanoseconds at least.
    func wait(_ limits: AdmissionLimits, at now: UInt64) -> (refusal: Refusal, nanoseconds: UInt64)? {
        guard !limits.isDryRun else {
            return nil
        }
        if let most = limits.connections, !limits.closesBeyond, self.open >= most {
            return (.maxConnections, Self.checkInterval)
        }
        if let rate = limits.accepts, self.accepts.room(rate, at: now) == 0 {
            let delay = self.accepts.delay(rate, at: now)
            return (.acceptRate, min(max(Self.leastWait, delay), Self.mostWait))
        }
        return nil
    }

    /// How soon a limit of open connections is looked at again: 10 ms.
    private static let checkInterval: UInt64 = 10_000_000
    /// 1 ms: high rates are accepted in small batches rather than one by one.
    private static let leastWait: UInt64 = 1_000_000
    /// One second: a reload may raise the rate.
    private static let mostWait: UInt64 = 1_000_000_000

    /// How many connections may be accepted before the limits are asked again.
    func room(_ limits: AdmissionLimits, at now: UInt64) -> Int {
        guard !limits.isDryRun else {
            return .max
        }
        let connections = limits.closesBeyond ? Int.max : limits.connections.map { $0 - self.open } ?? .max
        return min(connections, limits.accepts.map { self.accepts.room($0, at: now) } ?? .max)
    }
}
