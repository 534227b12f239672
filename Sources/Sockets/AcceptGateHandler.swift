import Logging
import NIOCore

/// The ``AcceptGate`` of a listener's channel: the channel does not read while the gate is closed.
///
/// Errors are not passed on: the next handler would give the listener up.
package final class AcceptGateHandler: ChannelDuplexHandler {
    package typealias InboundIn = any Channel
    package typealias InboundOut = any Channel
    package typealias OutboundIn = Never

    private var gate = AcceptGate()
    private let limits: [any AcceptLimit]
    private let logger: Logger
    private let makeRoom: () -> Void
    /// How many connections the channel accepts in a row: as it is configured, and now.
    private var batch: (usual: UInt, current: UInt) = (0, 0)
    /// Takes a connection that was accepted; there before the channel reads.
    package var accepted: (ChannelHandlerContext, NIOAny) -> Void

    /// - Parameters:
    ///   - limits: Asked in this order.
    ///   - makeRoom: Called once each time that there are no descriptors.
    package init(
        limits: [any AcceptLimit] = [],
        logger: Logger,
        makeRoom: @escaping () -> Void = {},
        accepted: @escaping (ChannelHandlerContext, NIOAny) -> Void = { $0.fireChannelRead($1) }
    ) {
        self.limits = limits
        self.logger = logger
        self.makeRoom = makeRoom
        self.accepted = accepted
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        // The channel begins its first read by itself, without asking.
        self.limitBatch(context)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.accepted(context, data)
    }

    package func read(context: ChannelHandlerContext) {
        self.run(self.gate.next(self.limits), context)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let action = self.gate.failed((error as? IOError)?.errnoCode)
        guard action != .nothing else {
            return
        }
        if self.gate.logsFailure(at: .now()) {
            self.logger.error("cannot accept connections, trying again", metadata: ["error": "\(error)"])
        }
        self.makeRoom()
        self.run(action, context)
    }

    /// Keeps the next batch within the limits.
    private func limitBatch(_ context: ChannelHandlerContext) {
        let room = self.limits.reduce(Int.max) { min($0, $1.room) }
        guard room < .max || self.batch.current < self.batch.usual else {
            return
        }
        if self.batch.usual == 0, let usual = try? context.channel.syncOptions?.getOption(.maxMessagesPerRead) {
            self.batch = (usual, usual)
        }
        let batch = min(self.batch.usual, UInt(max(1, room)))
        if batch != self.batch.current {
            self.batch.current = batch
            try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: batch)
        }
    }

    private func run(_ action: AcceptGate.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .nothing:
            break
        case .accept:
            self.limitBatch(context)
            context.read()
        case .pause(let time, let reason):
            if let reason, self.gate.logsLimit(at: .now()) {
                self.logger.error("\(reason), new ones wait")
            }
            context.eventLoop.assumeIsolated().scheduleTask(in: time) {
                // A channel that has closed is not asked about again.
                if context.channel.isActive {
                    self.run(self.gate.pauseIsOver(self.limits), context)
                }
            }
        }
    }
}
