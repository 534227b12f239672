import Logging
import NIOCore
import Text

/// Which connections have a line in the log when they end.
package struct AccessLogRules: Sendable, Equatable {
    package var level: Logger.Level
    /// The share that is logged, 0…1.
    package var sample: Double
    /// Others are logged, too, if an event of them has waited or taken so long.
    package var slow: TimeAmount?
    /// Whether those are logged that have sent no packet.
    package var includesEmpty: Bool

    package init(level: Logger.Level, sample: Double, slow: TimeAmount?, includesEmpty: Bool) {
        self.level = level
        self.sample = sample
        self.slow = slow
        self.includesEmpty = includesEmpty
    }

    /// - Parameter random: Any number, evenly distributed.
    func includes(_ record: ConnectionRecord, random: UInt64) -> Bool {
        guard record.packets > 0 || self.includesEmpty else {
            return false
        }
        if random.unitFraction < self.sample {
            return true
        }
        guard let slow else {
            return false
        }
        return max(record.longestWait, record.longestWork) >= UInt64(max(0, slow.nanoseconds))
    }
}

/// What a connection has done, for its line. Times are nanoseconds.
///
/// Confined to the connection's event loop, but for ``writtenAt``: see there.
final class ConnectionRecord: @unchecked Sendable {
    private let beganAt: UInt64
    private(set) var packets = 0
    private(set) var received = 0
    private(set) var sent = 0
    private(set) var work: UInt64 = 0
    private(set) var longestWork: UInt64 = 0
    private(set) var longestWait: UInt64 = 0
    /// What the connection was at when it ended.
    var endState: EndState?
    private var submittedAt: UInt64 = 0
    /// When a worker was given the event. Set on the worker's event loop, between submission and end of an event.
    private var writtenAt: UInt64 = 0

    enum EndState: String {
        case handshake
        case idle
        case inPacket = "in_packet"
        case inWorker = "in_worker"
        case writing
    }

    init(at now: UInt64) {
        self.beganAt = now
    }

    func submitted(_ kind: EventKind, bytes: Int, at now: UInt64) {
        self.submittedAt = now
        self.writtenAt = 0
        if kind == .data {
            self.packets += 1
            self.received += bytes
        }
    }

    func written(at now: UInt64) {
        self.writtenAt = now
    }

    func finished(at now: UInt64) {
        // Without a worker all of it was waiting.
        let written = self.writtenAt > 0 ? self.writtenAt : now
        let work = now > written ? now - written : 0
        self.work += work
        self.longestWork = max(self.longestWork, work)
        self.longestWait = max(self.longestWait, written > self.submittedAt ? written - self.submittedAt : 0)
    }

    func sent(_ bytes: Int) {
        self.sent += bytes
    }

    /// - Parameter reason: In place of the cause's own.
    func metadata(_ cause: CloseCause, reason: String?, at now: UInt64) -> Logger.Metadata {
        [
            "duration_ms": Self.milliseconds(now > self.beganAt ? now - self.beganAt : 0),
            "packets": "\(self.packets)",
            "received": "\(self.received)",
            "sent": "\(self.sent)",
            "worker_ms": Self.milliseconds(self.work),
            "worker_max_ms": Self.milliseconds(self.longestWork),
            "wait_max_ms": Self.milliseconds(self.longestWait),
            "end": "\(cause.party)/\((self.endState ?? .idle).rawValue)",
            "reason": "\(reason ?? cause.rawValue)",
        ]
    }

    private static func milliseconds(_ nanoseconds: UInt64) -> Logger.MetadataValue {
        let tenths = nanoseconds / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension CloseCause {
    /// Who ended the connection.
    fileprivate var party: String {
        switch self {
        case .client, .packetTooLarge, .malformed, .truncated, .startTLSInjection: "client"
        case .worker, .writeClose, .workerError, .workerFailure: "worker"
        case .refused, .slowReader: "limit"
        case .idleTimeout, .firstPacketTimeout, .packetTimeout, .pingTimeout, .writeTimeout, .maxLifetime: "timeout"
        case .drain, .cutOff: "drain"
        case .demand: "admin"
        case .error: "error"
        }
    }
}

extension ConnectionStateMachine {
    /// What the connection is at.
    var endState: ConnectionRecord.EndState {
        switch self.state {
        case .preface, .connecting, .startingTLS, .securing: .handshake
        case .serving: .inWorker
        case .ready, .gathering: self.socket.isBehind ? .writing : self.buffered > 0 ? .inPacket : .idle
        case .closing, .leaving, .parting, .ended, .over: .writing
        }
    }
}

extension ConnectionStateMachine.CloseReason {
    /// What the connection was at.
    var endState: ConnectionRecord.EndState {
        switch self {
        case .client, .draining, .timeout(.idle), .timeout(.firstPacket), .timeout(.ping): .idle
        case .worker, .writeClose, .workerError, .eventFailed, .noTLS, .injection: .inWorker
        case .packetTooLarge, .malformedPacket, .truncatedPacket, .timeout(.packet): .inPacket
        }
    }
}
