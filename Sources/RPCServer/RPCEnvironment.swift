import Logging
import NIOCore
import RPC
import Sockets
import Synchronization
import Text

/// What all connections of an RPC server share: the methods, the limits and the counters.
final class RPCEnvironment: Sendable {
    let methods: RPCMethodTable
    let limits: RPCLimits
    /// Whether the time of each call is taken.
    let isMeasured: Bool
    private let logger: Logger
    private let counts = Counts()
    private let mayLogAt = Mutex(NIODeadline.uptimeNanoseconds(0))

    /// The least time between two lines of the log about malformed frames.
    private static let logInterval = TimeAmount.seconds(1)

    private struct Counts: ~Copyable {
        let open = Atomic(0)
        let accepted = Atomic<UInt64>(0)
        let inFlight = Atomic(0)
        let received = Atomic<UInt64>(0)
        let sent = Atomic<UInt64>(0)
        let malformed = Atomic<UInt64>(0)
    }

    init(_ services: [RPCService], _ limits: RPCLimits, isMeasured: Bool, logger: Logger) {
        self.methods = RPCMethodTable(services)
        self.limits = limits
        self.isMeasured = isMeasured
        self.logger = logger
    }

    func opened() {
        self.counts.open.wrappingAdd(1, ordering: .relaxed)
        self.counts.accepted.wrappingAdd(1, ordering: .relaxed)
    }

    func closed() {
        self.counts.open.wrappingSubtract(1, ordering: .relaxed)
    }

    func deferred(_ change: Int) {
        self.counts.inFlight.wrappingAdd(change, ordering: .relaxed)
    }

    func received(_ bytes: Int) {
        self.counts.received.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    func sent(_ bytes: Int) {
        self.counts.sent.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    /// Logs a malformed frame, once a second at most: anybody who may connect can send them.
    func log(_ fault: RPCFault, from peer: String) {
        self.counts.malformed.wrappingAdd(1, ordering: .relaxed)
        let now = NIODeadline.now()
        let isDue = self.mayLogAt.withLock { time in
            guard now >= time else { return false }
            time = now + Self.logInterval
            return true
        }
        self.logger.log(
            level: isDue ? .warning : .debug,
            "an RPC connection is closed: what it sends are no calls",
            metadata: ["peer": "\(peer)", "error": "\(fault)", "bytes": "\(fault.firstBytes)"]
        )
    }

    var snapshot: RPCSnapshot {
        RPCSnapshot(
            methods: self.methods.entries.map { RPCSnapshot.Method($0.name, $0.counts) }
                + [RPCSnapshot.Method("unknown", self.methods.unknown)],
            connections: self.counts.open.load(ordering: .relaxed),
            accepted: self.counts.accepted.load(ordering: .relaxed),
            callsInFlight: self.counts.inFlight.load(ordering: .relaxed),
            receivedBytes: self.counts.received.load(ordering: .relaxed),
            sentBytes: self.counts.sent.load(ordering: .relaxed),
            malformed: self.counts.malformed.load(ordering: .relaxed)
        )
    }
}

extension RPCEnvironment: AcceptLimit {
    /// The gate of the listener. A connection counts as soon as it is accepted, so that the next batch knows of it.
    func acceptGate() -> AcceptGateHandler {
        let gate = AcceptGateHandler(limits: [self], logger: self.logger)
        gate.accepted = { context, data in
            self.opened()
            AcceptGateHandler.unwrapInboundIn(data).closeFuture.whenComplete { _ in self.closed() }
            context.fireChannelRead(data)
        }
        return gate
    }

    private static let checkInterval = TimeAmount.milliseconds(10)

    var reason: String { "too many RPC connections (rpc.max_connections)" }

    func delay() -> TimeAmount? {
        self.counts.open.load(ordering: .relaxed) >= self.limits.connections ? Self.checkInterval : nil
    }
}

extension RPCFault {
    /// In hexadecimal.
    fileprivate var firstBytes: String {
        self.bytes.readableBytesView.prefix(16).spacedHexadecimal
    }
}
