import Edge
import Logging
import NIOCore
import Sockets
import WorkerPool

/// One connection: feeds socket and pool events to ``ConnectionStateMachine`` and performs the steps it returns.
///
/// Confined to the connection's event loop, except for the properties that ``PoolRequest`` reads while a worker has an
/// event: those do not change before ``finished(_:)``.
final class ConnectionHandler: @unchecked Sendable {
    /// Answers larger than this many bytes are written over several turns of the event loop.
    private static let largeAnswer = 1 << 20

    let environment: ConnectionEnvironment
    let home: LoopConnections
    let id: ConnectionID
    /// The next one in its chain of ``ConnectionTable``, which alone changes it.
    var nextInChain: ConnectionHandler?
    var machine: ConnectionStateMachine
    private(set) var context: ChannelHandlerContext?
    private let entrance: Entrance
    /// `nil` if the server has no limits.
    private let seat: Seat?
    /// Set when the session begins.
    private(set) var writer: SessionWriter?
    var eventContext = EventContext()
    private let counters: LoopCounters?
    /// The first cause that was noted.
    var closeCause: CloseCause?
    /// Why STARTTLS failed, if it did: the connection ends with it.
    private(set) var failedHandshake: EdgeFailure.Cause?
    /// `nil` once the client has taken all answers and ``home`` no longer checks it.
    var backlog: Backlog?
    /// `nil` if the server has no timeouts, no rate of packets, no access log, and events go to any worker. Set when the
    /// session begins.
    var extras: ConnectionExtras?

    // The event that is with the pool.
    private(set) var kind = EventKind.connected
    private(set) var body = ByteBuffer()

    init(_ environment: ConnectionEnvironment, home: LoopConnections, _ entrance: Entrance, seat: Seat? = nil) {
        self.environment = environment
        self.home = home
        self.entrance = entrance
        self.seat = seat
        self.id = home.ids.next()
        self.counters = environment.counters?.loops[home.loopIndex]
        self.machine = ConnectionStateMachine(environment.rules)
    }

    /// Closes the socket, even if bytes are still unwritten.
    func cutOff() {
        // The client still has unread answers although its connection was drained.
        if self.closeCause == nil || self.closeCause == .drain {
            self.closeCause = .cutOff
        }
        self.context?.close(promise: nil)
    }

    /// Closes the socket because somebody other than its worker asked for that.
    func closeOnDemand() {
        self.closeCause = self.closeCause ?? .demand
        self.context?.close(promise: nil)
    }

    var isDraining: Bool {
        self.machine.isDraining
    }

    /// Whether an event is still to be handled, or the client has not taken all answers.
    var isUnfinished: Bool {
        !self.machine.isOver || self.context.map { self.untakenBytes($0) > 0 } ?? false
    }

    /// Ends the connection once all received bytes are served, including a packet that is still incomplete.
    func drain() {
        self.machine.drain()
        self.run()
    }

    /// Ends the connection even if a packet has begun or the client has not read its answers.
    func end() {
        self.machine.end()
        self.run()
    }

    /// Ends the connection once this check and the `checks` before it found it between packets, with nothing received
    /// since.
    func drainIfIdle(checks: Int) {
        self.machine.checkIdle(after: checks)
        self.run()
    }

    // MARK: Performing the machine's steps

    /// Reentrant: a refused event is finished before `submit` returns.
    func run() {
        while true {
            switch self.machine.next() {
            case .wait:
                self.releaseRead()
                return
            case .submit(let kind, let body):
                self.kind = kind
                self.body = body
                self.counters?.submitted(kind)
                // Metadata is built lazily: only when the trace level is on.
                self.environment.logger.trace("event", metadata: self.eventMetadata)
                if let extras {
                    self.submit(extras)
                } else {
                    self.environment.pool.submit(self)
                }
            case .skipped(let count):
                self.counters?.skipped(count)
            case .reportAnswer(let fault):
                self.environment.logger.error(
                    "parameters of a worker's answer have no effect",
                    metadata: self.metadata(["error": "\(fault)"])
                )
            case .startTLS:
                self.startTLS()
            case .closeSocket(let reason):
                self.log(reason)
                self.noteCause(reason)
                self.closeSocket()
            case .finished:
                self.home.sessionEnded()
                self.leaveIfDone()
                return
            }
        }
    }

    /// The connection is over when its events are done and its socket is closed.
    private func leaveIfDone() {
        if self.machine.isOver, self.context == nil {
            self.logAccess()
            self.home.remove(self)
        }
    }

    private func releaseRead() {
        if self.machine.releaseRead() {
            self.context?.read()
        }
    }

    /// Updates the socket's state machine and performs the action it returns.
    func updateSocket(
        _ update: (inout ConnectionStateMachine, ChannelHandlerContext) -> SocketStateMachine.Action
    ) {
        if let context {
            self.run(update(&self.machine, context), context)
        }
    }

    func unwrittenBytes(_ context: ChannelHandlerContext) -> Int {
        self.writer?.unwrittenBytes(context) ?? 0
    }
}

// MARK: - PoolRequest

extension ConnectionHandler: PoolRequest {
    var loopIndex: Int {
        self.home.loopIndex
    }

    var isLast: Bool {
        self.kind == .close
    }

    var size: Int {
        self.eventContext.frameLength(self.kind, body: self.body, mayMove: self.extras?.loyalty != nil)
    }

    func write(into frame: inout ByteBuffer, for worker: WorkerID) -> ByteBuffer? {
        let hasMoved = self.extras?.written(for: worker) ?? false
        return self.eventContext.writeFrame(self.kind, body: self.body, hasMoved: hasMoved, into: &frame)
    }

    func finished(_ outcome: RequestOutcome) {
        if self.home.eventLoop.inEventLoop {
            self.finishedHere(outcome)
        } else {
            self.home.eventLoop.execute { self.finishedHere(outcome) }
        }
    }

    private func finishedHere(_ outcome: RequestOutcome) {
        var body = ByteBuffer()
        swap(&body, &self.body)
        if self.kind == .close {
            self.logClose(outcome)
        }
        if case .answered(.missing(let processID)) = outcome, self.kind != .close {
            self.environment.logger.error(
                "the worker has not answered an event, which counts as CONTINUE: is a call of respond() missing?",
                metadata: self.metadata([
                    "event": "\(self.kind.rawValue)", "worker.pid": "\(processID.map { "\($0)" } ?? "gone")",
                ])
            )
        }
        if let extras {
            extras.finished(at: NIODeadline.now().uptimeNanoseconds)
        }
        let answer = self.machine.finished(outcome, of: body)
        if body.storageCapacity > 0, self.machine.buffered == 0 {
            self.home.recycle(consume body)
        }
        if let answer, let context {
            self.send(answer, context)
        }
        self.run()
    }

    /// Part of each packet's way, in one piece with it.
    @inline(__always)
    private func send(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.counters?.sent(bytes.readableBytes)
        if let record = self.extras?.record {
            record.sent(bytes.readableBytes)
        }
        if bytes.readableBytes > Self.largeAnswer {
            self.limitWrites(context)
        }
        if let rest = self.writer?.write(bytes, context) {
            context.writeAndFlush(self.wrapOutboundOut(rest), promise: nil)
        }
        if self.writer?.isBehind == true {
            self.countBacklog(context, answer: bytes.readableBytes)
        }
    }

    /// Sends what no worker has answered.
    func ping(_ data: [UInt8]) {
        if let context {
            self.send(ByteBuffer(bytes: data), context)
        }
    }
}

// MARK: - Channel events

extension ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive {
            // The edge added this handler late: the channel is already active.
            self.begin(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.home.limit.closed()
        self.seat?.leave()
    }

    func channelActive(context: ChannelHandlerContext) {
        self.begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        let established = self.entrance.established(on: context.channel)
        guard established.remoteAddress != nil || !self.environment.isTCP else {
            // The client reset the connection before it was accepted: there is nothing to report to workers.
            context.close(promise: nil)
            return
        }
        if let seat {
            let client = established.isClient ? established.remoteAddress?.ip : nil
            guard seat.identify(client, on: context.eventLoop) else {
                context.close(promise: nil)
                return
            }
        }
        self.writer = established.writer
        self.machine.mayStartTLS = established.mayEncrypt
        self.eventContext = EventContext(
            remoteAddress: established.remoteAddress,
            server: self.environment.quotedServer,
            id: self.id,
            facts: established.facts
        )
        self.home.add(self)
        if !self.entrance.isStaged {
            self.counters?.connectionAccepted()
        }
        if self.home.endsConnections {
            self.machine.drain()
        }
        if self.environment.needsExtras {
            self.beginExtras(at: established.remoteAddress)
        }
        self.run()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        self.counters?.received(bytes.readableBytes)
        self.machine.received(bytes)
        self.run()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.machine.buffered > 0 {
            self.machine.compact()
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if self.machine.mayRead() {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.updateBacklog()
        self.machine.writabilityChanged(context.channel.isWritable)
        self.run()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            let action = self.machine.clientEnded()
            self.run()
            self.run(action, context)
        } else if let event = event as? EncryptionStarted {
            self.secured(event)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        self.forgetBacklog()
        if let extras {
            self.home.cancelLook(extras)
            extras.pace?.pause?.cancel()
        }
        if self.machine.hasBegun {
            self.noteEnd(self.machine.endState)
            self.countEnd()
            self.machine.socketClosed()
            self.run()
            self.leaveIfDone()
        }
        context.fireChannelInactive()
    }

    private func countEnd() {
        if let failedHandshake {
            self.counters?.connectionRefused(failedHandshake)
        } else {
            self.counters?.connectionClosed(self.closeCause ?? .client)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client is gone; the bytes it sent before are still served.
        let failure = error as? EdgeFailure
        if self.closeCause == nil {
            self.closeCause = failure == nil ? .error : .client
            self.failedHandshake = failure?.cause
        }
        let reason = failure?.reason ?? "\(error)"
        self.environment.logger.debug("connection error", metadata: self.metadata(["error": "\(reason)"]))
        context.close(promise: nil)
    }
}
