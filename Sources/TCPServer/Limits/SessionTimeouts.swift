import NIOCore
import Text

/// The times that a connection may take; `nil`: any.
package struct SessionTimeouts: Sendable, Equatable {
    /// Bytes for a quiet client.
    package struct Ping: Sendable, Equatable {
        /// How long a client is quiet before it is sent the data, and between two pings.
        package var interval: TimeAmount
        package var data: [UInt8]
        /// Pings without a byte of the client after which the connection ends; `nil`: never.
        package var misses: Int?

        package init(interval: TimeAmount, data: [UInt8], misses: Int?) {
            self.interval = interval
            self.data = data
            self.misses = misses
        }
    }

    /// Without a byte of the client, and without an event in flight.
    package var idle: TimeAmount?
    /// Until the first packet is whole.
    package var firstPacket: TimeAmount?
    /// From a packet's first byte to its end.
    package var packet: TimeAmount?
    /// While the client takes no byte of what it was answered. Checked once a second.
    package var write: TimeAmount?
    /// Ten per cent more or less, then until the next end of a packet.
    package var lifetime: TimeAmount?
    package var ping: Ping?

    package init() {}

    /// Whether connections have to be looked at in between.
    var needsLooks: Bool {
        var others = self
        others.write = nil
        return others != SessionTimeouts()
    }
}

/// A time that is over.
enum SessionTimeout: Hashable {
    case idle
    case firstPacket
    case packet
    case ping
}

/// Decides when a connection has taken too long, from looks at it. Nothing is done for a packet: a look finds out what
/// has happened since the one before. So a time is over an eighth of it late at most, and never early. No clock.
struct SessionDeadlines {
    /// What a look has found.
    struct Look: Hashable {
        enum State: Hashable {
            /// An event is with the workers, or the client does not read, or it may not send: the time is not the
            /// client's.
            case busy
            case betweenPackets
            /// A packet has begun; whether it had at the last look.
            case inPacket(isSame: Bool)
        }

        var state: State
        /// Whether bytes have come since the last look.
        var hasHeard: Bool
        /// Whether a packet was ever whole.
        var hasHadPacket: Bool
    }

    enum Action: Hashable {
        case none
        case ping
        case close(SessionTimeout)
        /// End the connection between two packets; returned once.
        case retire
        /// End it although it was never between two packets since; returned once.
        case end
    }

    /// How long a connection that is to end may go on with packets, in nanoseconds: one that sends without a pause is never
    /// between two.
    private static let retirement: UInt64 = 5_000_000_000
    /// Looks in a time.
    private static let looks: UInt64 = 8
    /// Instead of `nil`, which would be another word.
    private static let never = UInt64.max

    private var quietSince: UInt64
    /// Since when it is the client's turn to send its first packet.
    private var readySince: UInt64
    private var packetSince = Self.never
    private var pingedAt: UInt64
    private var retiresAt: UInt64
    private var endsAt = Self.never
    private var unansweredPings: UInt32 = 0
    /// Whether the last look found it busy: it was the client's turn from some moment on since then.
    private var wasBusy = true

    /// - Parameters:
    ///   - now: As all times here, in nanoseconds of a clock that only grows.
    ///   - random: Any number, evenly distributed.
    init(_ timeouts: SessionTimeouts, random: UInt64, at now: UInt64) {
        self.quietSince = now
        self.readySince = now
        self.pingedAt = now
        self.retiresAt =
            timeouts.lifetime.map { lifetime in
                // 90 to 110 per cent, so that not all of a burst come back at once.
                let tenth = Double(lifetime.nanoseconds) / 10
                return now + UInt64(9 * tenth + 2 * tenth * random.unitFraction)
            } ?? Self.never
    }

    mutating func look(_ look: Look, _ timeouts: SessionTimeouts, at now: UInt64) -> Action {
        let isBusy = look.state == .busy
        if look.hasHeard || isBusy || self.wasBusy {
            self.quietSince = now
            self.pingedAt = now
            self.unansweredPings = 0
        }
        if isBusy || self.wasBusy {
            self.readySince = now
        }
        self.wasBusy = isBusy
        if case .inPacket(let isSame) = look.state {
            self.packetSince = isSame && self.packetSince != Self.never ? self.packetSince : now
        } else {
            self.packetSince = Self.never
        }
        if self.retiresAt <= now {
            self.retiresAt = Self.never
            self.endsAt = now + Self.retirement
            return .retire
        }
        if self.endsAt <= now {
            guard case .inPacket(isSame: true) = look.state else {
                self.endsAt = Self.never
                return .end
            }
            // Its last packet may take its time.
            self.endsAt = now + Self.retirement
        }
        guard !isBusy else {
            return .none
        }
        if Self.isOver(timeouts.firstPacket, self.readySince, now), !look.hasHadPacket {
            return .close(.firstPacket)
        }
        if self.packetSince != Self.never, Self.isOver(timeouts.packet, self.packetSince, now) {
            return .close(.packet)
        }
        if Self.isOver(timeouts.idle, self.quietSince, now) {
            return .close(.idle)
        }
        guard let ping = timeouts.ping, look.state == .betweenPackets, Self.isOver(ping.interval, self.pingedAt, now)
        else {
            return .none
        }
        if let misses = ping.misses, Int(self.unansweredPings) >= misses {
            return .close(.ping)
        }
        self.unansweredPings &+= 1
        self.pingedAt = now
        return .ping
    }

    private static func isOver(_ time: TimeAmount?, _ since: UInt64, _ now: UInt64) -> Bool {
        time.map { now >= since + UInt64(max(0, $0.nanoseconds)) } ?? false
    }

    /// When the next look is due.
    func nextLook(_ timeouts: SessionTimeouts, hasHadPacket: Bool, after now: UInt64) -> UInt64 {
        var next = min(self.retiresAt, self.endsAt)
        func include(_ time: TimeAmount?, _ since: UInt64) {
            guard let time else { return }
            let length = UInt64(max(0, time.nanoseconds))
            let end = since + length
            next = min(next, end > now ? min(end, now + length / Self.looks) : now + length / Self.looks)
        }
        include(hasHadPacket ? nil : timeouts.firstPacket, self.readySince)
        include(timeouts.packet, self.packetSince == Self.never ? now : self.packetSince)
        include(timeouts.idle, self.quietSince)
        include(timeouts.ping?.interval, self.pingedAt)
        return next
    }
}
