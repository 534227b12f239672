import NIOCore

/// What only connections of servers with timeouts, a `packet_rate` or an access log have. Confined to the connection's
/// event loop.
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

    init(_ connection: ConnectionHandler, _ record: ConnectionRecord?) {
        self.connection = connection
        self.record = record
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
