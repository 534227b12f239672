import Edge
import Logging
import NIOCore
import WorkerPool

/// Timeouts, the rate of packets, the access log and the worker to stay with, of servers that have them.
extension ConnectionHandler {
    /// Nanoseconds of the loop's clock.
    private var now: UInt64 {
        self.home.eventLoop.now.uptimeNanoseconds
    }

    func beginExtras(at address: SocketAddress?) {
        let record = self.environment.accessLog.map { _ in ConnectionRecord(at: self.now) }
        let loyalty = self.environment.dispatch.loyalty(of: self.id, at: address)
        let pace = self.environment.packetRate.map { PacketPace($0) }
        let extras = ConnectionExtras(self, pace, record, loyalty)
        self.extras = extras
        let timeouts = self.environment.timeouts
        guard timeouts.needsLooks else {
            return
        }
        _ = self.machine.look(hasHadPacket: false)
        let deadlines = SessionDeadlines(timeouts, random: self.id.hash, at: self.now)
        extras.deadlines = deadlines
        self.schedule(extras, deadlines, hasHadPacket: false)
    }

    private func schedule(_ extras: ConnectionExtras, _ deadlines: SessionDeadlines, hasHadPacket: Bool) {
        let next = deadlines.nextLook(self.environment.timeouts, hasHadPacket: hasHadPacket, after: self.now)
        if next < .max {
            self.home.scheduleLook(extras, at: next)
        }
    }

    /// Looks whether the connection has taken too long.
    func look(_ extras: ConnectionExtras, at now: UInt64) {
        // A server that drains ends its connections in its own time.
        guard self.home.isServing, self.context != nil, var deadlines = extras.deadlines else {
            return
        }
        let hasHadPacket = self.kind != .connected
        guard let look = self.machine.look(hasHadPacket: hasHadPacket) else {
            return
        }
        let action = deadlines.look(look, self.environment.timeouts, at: now)
        extras.deadlines = deadlines
        self.schedule(extras, deadlines, hasHadPacket: hasHadPacket)
        switch action {
        case .none:
            break
        case .ping:
            self.ping(self.environment.timeouts.ping?.data ?? [])
        case .close(let timeout):
            self.machine.expire(timeout)
            self.run()
        case .retire:
            extras.isRetired = true
            self.drain()
        case .end:
            self.end()
        }
    }

    /// Gives an event to the pool.
    func submit(_ extras: ConnectionExtras) {
        extras.record?.submitted(self.kind, bytes: self.body.readableBytes, at: self.now)
        if self.kind == .data, let pace = extras.pace, let delay = pace.take(at: self.now) {
            self.pause(pace, for: delay)
        }
        if let loyalty = extras.loyalty {
            self.environment.pool.submit(self, loyalty.affinity)
        } else {
            self.environment.pool.submit(self)
        }
    }

    /// Has the client wait: its next packet is not served, and nothing more is read of it.
    private func pause(_ pace: PacketPace, for nanoseconds: UInt64) {
        guard let context else {
            return
        }
        self.machine.pace(true)
        self.setReading(false, context)
        let delay = TimeAmount.nanoseconds(Int64(clamping: nanoseconds))
        pace.pause = context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            pace.pause = nil
            guard let context = self.context else {
                return
            }
            self.machine.pace(false)
            self.setReading(true, context)
            self.run()
        }
    }

    private func setReading(_ isReading: Bool, _ context: ChannelHandlerContext) {
        // Fails only on a closed channel.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    /// Notes why the connection is closed, and has its CLOSE tell what else nobody could know. No event is in flight.
    func noteCause(_ reason: ConnectionStateMachine.CloseReason) {
        let isRetired = reason == .draining && self.home.isServing && self.extras?.isRetired == true
        let cause = self.closeCause ?? (isRetired ? .maxLifetime : CloseCause(reason))
        self.closeCause = cause
        self.noteEnd(reason.endState)
        if cause.isTold {
            self.eventContext.tell(reason: cause.rawValue)
        }
    }

    /// Closes the socket of a client that takes nothing of its answers.
    func cutStalledReader() {
        self.closeCause = self.closeCause ?? .writeTimeout
        self.noteEnd(.writing)
        self.environment.logger.debug(
            "a client takes nothing of its answers, the connection is closed",
            metadata: self.metadata(["bytes": "\(self.backlog?.bytes ?? 0)"])
        )
        self.home.noteLoss()
        self.context?.close(promise: nil)
        self.forgetBacklog()
    }

    // MARK: The access log

    /// Notes what the connection is at when it ends, if it was not noted before.
    func noteEnd(_ state: @autoclosure () -> ConnectionRecord.EndState) {
        if let record = self.extras?.record, record.endState == nil {
            record.endState = state()
        }
    }

    /// Writes the connection's line. All of it is over.
    func logAccess() {
        let record = self.extras?.record
        // It may be told twice that all is over.
        self.extras = nil
        guard let record, let rules = self.environment.accessLog,
            rules.includes(record, random: self.id.hash)
        else {
            return
        }
        self.environment.logger.log(
            level: rules.level,
            "connection ended",
            metadata: self.metadata(
                record.metadata(self.closeCause ?? .client, reason: self.failedHandshake?.rawValue, at: self.now))
        )
    }
}
