import NIOCore
import WorkerPool

/// What only connections of servers with timeouts, a `packet_rate`, an access log or sticky workers have. Confined to the
/// connection's event loop, but for ``written(for:)``.
final class ConnectionExtras: TimerEntry {
    unowned let connection: ConnectionHandler
    /// `nil` without timeouts.
    var deadlines: SessionDeadlines?
    /// The bucket of `packet_rate`.
    private var packets = RateBucket()
    /// Ends the client's wait. `nil` while it may send.
    var pause: Scheduled<Void>?
    /// Whether the connection is ending because of its `max_lifetime`.
    var isRetired = false
    /// `nil` without an access log.
    let record: ConnectionRecord?
    /// `nil` if any worker will do.
    let loyalty: WorkerLoyalty?

    init(_ connection: ConnectionHandler, _ record: ConnectionRecord?, _ loyalty: WorkerLoyalty?) {
        self.connection = connection
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

    /// A packet goes to a worker.
    ///
    /// - Returns: Nanoseconds that the next one has to wait, if it does.
    func take(_ rate: Rate, at now: UInt64) -> UInt64? {
        self.packets.take(rate, at: now)
        let delay = self.packets.delay(rate, at: now)
        return delay > 0 ? delay : nil
    }
}
