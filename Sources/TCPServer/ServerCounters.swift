import Edge
import Synchronization
import WorkerPool

/// The reason why a connection's socket was closed.
package enum CloseCause: String, Sendable, Hashable, CaseIterable {
    /// The client ended it.
    case client
    /// A worker answered `CLOSE`, or something unknown.
    case worker
    /// A worker answered `WRITECLOSE`.
    case writeClose = "write_close"
    /// A worker answered with an error frame.
    case workerError = "worker_error"
    /// The worker was lost with the event, or workers refused it.
    case workerFailure = "worker_failure"
    /// No worker was free in time, or too many events waited.
    case refused
    case packetTooLarge = "packet_too_large"
    /// The client sent what cannot be the beginning of a packet.
    case malformed
    /// The client ended its side in the middle of a packet.
    case truncated
    /// The client did not read its answers while too many bytes were pending.
    case slowReader = "slow_reader"
    /// The socket failed: most often a client that reset it.
    case error
    /// The server is stopping, and the connection was between two packets.
    case drain
    /// The server's time to stop was over.
    case cutOff = "cut_off"
    /// `tcp.Close` asked for it.
    case demand
    /// Bytes came in clear behind a command that starts TLS.
    case startTLSInjection = "starttls_injection"
    case idleTimeout = "idle_timeout"
    case firstPacketTimeout = "first_packet_timeout"
    case packetTimeout = "packet_timeout"
    case pingTimeout = "ping_timeout"
    /// The client took nothing of its answers.
    case writeTimeout = "write_timeout"
    case maxLifetime = "max_lifetime"

    /// Whether the context of `CLOSE` tells it: no other way leads to it.
    var isTold: Bool {
        switch self {
        case .idleTimeout, .firstPacketTimeout, .packetTimeout, .pingTimeout, .writeTimeout, .maxLifetime: true
        case .client, .worker, .writeClose, .workerError, .workerFailure, .refused, .packetTooLarge, .malformed,
            .truncated, .slowReader, .error, .drain, .cutOff, .demand, .startTLSInjection:
            false
        }
    }
}

/// The counts of one server since it first listened.
package struct ServerCounts: Sendable, Hashable {
    package var server: String
    package var accepted: UInt64 = 0
    package var closed: [CloseCause: UInt64] = [:]
    /// Connections that a stage of the edge has refused, or closed because STARTTLS failed.
    package var refused: [EdgeFailure.Cause: UInt64] = [:]
    package var events: [EventKind: UInt64] = [:]
    /// Bytes that clients have sent.
    package var receivedBytes: UInt64 = 0
    /// Those of them that belonged to no packet and that no worker has seen.
    package var skippedBytes: UInt64 = 0
    /// Bytes of answers that were passed to the system.
    package var sentBytes: UInt64 = 0

    /// Connections that a limit refused; they are among the accepted ones.
    package var limited: [Refusal: UInt64] = [:]
    /// Connections that a limit would refuse, or have wait, in a dry run.
    package var spared: [Refusal: UInt64] = [:]
    /// How often new connections had to wait for a limit.
    package var waits: [Refusal: UInt64] = [:]
    /// The limit that new connections have to wait for now.
    package var waitsFor: Refusal?

    /// Connections whose socket is open.
    package var open: UInt64 {
        // Both counts may grow while they are read: the result must not become negative.
        let refused = self.limited.values.reduce(0, &+) &+ self.refused.values.reduce(0, &+)
        let closed = self.closed.values.reduce(0, &+) &+ refused
        return self.accepted > closed ? self.accepted - closed : 0
    }
}

/// A counter that one thread writes and others read, without a lock or an atomic read-modify-write.
struct LoopCounter: ~Copyable, Sendable {
    private let value = Atomic<UInt64>(0)

    var current: UInt64 {
        self.value.load(ordering: .relaxed)
    }

    /// Must be called on the writing thread only.
    func add(_ count: UInt64) {
        self.value.store(self.value.load(ordering: .relaxed) &+ count, ordering: .relaxed)
    }
}

/// The counters of one server on one event loop; only that loop writes them.
final class LoopCounters: Sendable {
    private let accepted = LoopCounter()
    private let connectedEvents = LoopCounter()
    private let dataEvents = LoopCounter()
    private let closeEvents = LoopCounter()
    private let receivedBytes = LoopCounter()
    private let skippedBytes = LoopCounter()
    private let sentBytes = LoopCounter()
    private let closed = InlineArray<21, LoopCounter> { _ in LoopCounter() }

    private let refused = InlineArray<14, LoopCounter> { _ in LoopCounter() }

    func connectionAccepted() {
        self.accepted.add(1)
    }

    func connectionClosed(_ cause: CloseCause) {
        self.closed[cause.index].add(1)
    }

    func connectionRefused(_ cause: EdgeFailure.Cause) {
        self.refused[cause.index].add(1)
    }

    func submitted(_ kind: EventKind) {
        switch kind {
        case .connected: self.connectedEvents.add(1)
        case .data: self.dataEvents.add(1)
        case .close: self.closeEvents.add(1)
        }
    }

    func received(_ bytes: Int) {
        self.receivedBytes.add(UInt64(bytes))
    }

    func skipped(_ bytes: Int) {
        self.skippedBytes.add(UInt64(bytes))
    }

    func sent(_ bytes: Int) {
        self.sentBytes.add(UInt64(bytes))
    }

    func add(to counts: inout ServerCounts) {
        // Read the closed ones first: a connection accepted in between then counts as open, and the difference cannot
        // become negative.
        for cause in CloseCause.allCases {
            counts.closed[cause, default: 0] &+= self.closed[cause.index].current
        }
        for cause in EdgeFailure.Cause.allCases {
            counts.refused[cause, default: 0] &+= self.refused[cause.index].current
        }
        counts.accepted &+= self.accepted.current
        counts.events[.connected, default: 0] &+= self.connectedEvents.current
        counts.events[.data, default: 0] &+= self.dataEvents.current
        counts.events[.close, default: 0] &+= self.closeEvents.current
        counts.receivedBytes &+= self.receivedBytes.current
        counts.skippedBytes &+= self.skippedBytes.current
        counts.sentBytes &+= self.sentBytes.current
    }
}

/// The counters of one server on all event loops.
final class ServerCounters: Sendable {
    /// Indexed by the loop's index.
    let loops: [LoopCounters]
    /// Refused before any loop has counted them as accepted, and after.
    private let refusedAtOnce = RefusalCounters()
    private let refusedLater = RefusalCounters()
    private let spared = RefusalCounters()
    private let waits = RefusalCounters()

    init(loopCount: Int) {
        self.loops = (0..<loopCount).map { _ in LoopCounters() }
    }

    func counts(server: String) -> ServerCounts {
        var counts = ServerCounts(server: server)
        for loop in self.loops {
            loop.add(to: &counts)
        }
        counts.limited = self.refusedAtOnce.counts
        counts.accepted &+= counts.limited.values.reduce(0, &+)
        counts.limited.merge(self.refusedLater.counts) { $0 &+ $1 }
        counts.spared = self.spared.counts
        counts.waits = self.waits.counts
        return counts
    }

    /// Any thread.
    ///
    /// - Parameter isAccepted: Whether a loop has counted the connection as accepted.
    func refused(_ refusal: Refusal, isAccepted: Bool) {
        (isAccepted ? self.refusedLater : self.refusedAtOnce).add(refusal)
    }

    /// Any thread.
    func spared(_ refusal: Refusal) {
        self.spared.add(refusal)
    }

    /// Any thread.
    func waited(_ refusal: Refusal) {
        self.waits.add(refusal)
    }
}

/// Rare enough for atomic additions.
private final class RefusalCounters: Sendable {
    private let values = InlineArray<5, Atomic<UInt64>> { _ in Atomic(0) }

    func add(_ refusal: Refusal) {
        self.values[refusal.index].wrappingAdd(1, ordering: .relaxed)
    }

    var counts: [Refusal: UInt64] {
        var counts: [Refusal: UInt64] = [:]
        for refusal in Refusal.allCases {
            counts[refusal] = self.values[refusal.index].load(ordering: .relaxed)
        }
        return counts
    }
}

extension Refusal {
    /// Its position among ``allCases``.
    fileprivate var index: Int {
        switch self {
        case .denied: 0
        case .maxConnections: 1
        case .maxConnectionsPerIP: 2
        case .acceptRate: 3
        case .acceptRatePerIP: 4
        }
    }
}

extension CloseCause {
    /// Its position among ``allCases``.
    fileprivate var index: Int {
        switch self {
        case .client: 0
        case .worker: 1
        case .writeClose: 2
        case .workerError: 3
        case .workerFailure: 4
        case .refused: 5
        case .packetTooLarge: 6
        case .malformed: 7
        case .truncated: 8
        case .slowReader: 9
        case .error: 10
        case .drain: 11
        case .cutOff: 12
        case .demand: 13
        case .idleTimeout: 14
        case .firstPacketTimeout: 15
        case .packetTimeout: 16
        case .pingTimeout: 17
        case .writeTimeout: 18
        case .maxLifetime: 19
        case .startTLSInjection: 20
        }
    }

    init(_ reason: ConnectionStateMachine.CloseReason) {
        switch reason {
        case .client: self = .client
        case .worker: self = .worker
        case .writeClose: self = .writeClose
        case .workerError: self = .workerError
        case .packetTooLarge: self = .packetTooLarge
        case .malformedPacket: self = .malformed
        case .truncatedPacket: self = .truncated
        case .noTLS: self = .workerError
        case .injection: self = .startTLSInjection
        case .draining: self = .drain
        case .timeout(.idle): self = .idleTimeout
        case .timeout(.firstPacket): self = .firstPacketTimeout
        case .timeout(.packet): self = .packetTimeout
        case .timeout(.ping): self = .pingTimeout
        case .eventFailed(.noFreeWorkers), .eventFailed(.queueFull): self = .refused
        case .eventFailed(.workerGone), .eventFailed(.refusedByWorkers): self = .workerFailure
        case .eventFailed(.poolClosing): self = .drain
        }
    }
}
