import NIOCore
import WorkerPool

/// What only connections of servers with timeouts, a `packet_rate`, an access log or sticky workers have. Confined to the
/// connection's event loop, but for ``written(for:)``.
///
/// Every idle connection of such a server pays for each word.
final class ConnectionExtras: TimerEntry {
    /// Whether the connection is ending because of its `max_lifetime`.
    var isRetired = false
    unowned let connection: ConnectionHandler
    /// `nil` without timeouts.
    var deadlines: SessionDeadlines?
    /// `nil` without a `packet_rate`.
    let pace: PacketPace?
    /// `nil` without an access log.
    let record: ConnectionRecord?
    /// `nil` if any worker will do.
    let loyalty: WorkerLoyalty?

    init(
        _ connection: ConnectionHandler, _ pace: PacketPace?, _ record: ConnectionRecord?, _ loyalty: WorkerLoyalty?
    ) {
        self.connection = connection
        self.pace = pace
        self.record = record
        self.loyalty = loyalty
    }

    /// An event is being written to a worker. Called on that worker's event loop.
    ///
    /// - Returns: Whether the worker is to be told that the connection has moved to it.
    func written(for worker: WorkerID) -> Bool {
        if let record {
            record.written(at: NIODeadline.now().uptimeNanoseconds)
        }
        return self.loyalty?.moves(to: worker) ?? false
    }

    /// An event is over.
    func finished(at now: UInt64) {
        self.record?.finished(at: now)
        self.loyalty?.finished()
    }
}

/// How a client keeps to a `packet_rate`.
final class PacketPace {
    private let rate: Rate
    private var bucket = RateBucket()
    /// Ends the client's wait. `nil` while it may send.
    var pause: Scheduled<Void>?

    init(_ rate: Rate) {
        self.rate = rate
    }

    /// A packet goes to a worker.
    ///
    /// - Returns: Nanoseconds that the next one has to wait, if it does.
    func take(at now: UInt64) -> UInt64? {
        self.bucket.take(self.rate, at: now)
        let delay = self.bucket.delay(self.rate, at: now)
        return delay > 0 ? delay : nil
    }
}
