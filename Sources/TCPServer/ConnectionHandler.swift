import Addresses
import Logging
import NIOCore
import Sockets
import Text
import WorkerPool

/// One connection: feeds ``ConnectionStateMachine`` with what happens on the socket and in the pool, and does what it says.
///
/// Confined to the connection's event loop, but for what ``PoolRequest`` reads while a worker has an event: that does
/// not change before ``finished(_:)``.
final class ConnectionHandler: @unchecked Sendable {
    /// What connections of one server share: a class, so that each counts one reference and not one for each of these,
    /// which all event loops would fight for.
    final class Server: Sendable {
        let name: String
        /// ``name`` in quotes as JSON has it.
        let quotedName: [UInt8]
        let framing: PacketFraming
        let readBufferSize: Int
        /// Whether clients have an address and a port.
        let isTCP: Bool
        /// `nil` when nothing is counted.
        let counters: ServerCounters?
        let pool: WorkerPool
        let logger: Logger

        init(_ configuration: ServerConfiguration, pool: WorkerPool, counters: ServerCounters?, logger: Logger) {
            self.name = configuration.name
            self.quotedName = Array(configuration.name.jsonQuoted.utf8)
            self.framing = configuration.framing
            self.readBufferSize = configuration.readBufferSize
            self.isTCP = configuration.address.isTCP
            self.counters = counters
            self.pool = pool
            self.logger = logger
        }
    }

    /// Larger ones are written in more than one turn of the event loop, in bytes.
    private static let largeAnswer = 1 << 20

    let server: Server
    let home: LoopConnections
    private(set) var machine: ConnectionStateMachine
    var context: ChannelHandlerContext?
    var writer = DirectWriter(isLongLived: false)
    private var contextPrefix: [UInt8] = []
    private var isReadHeld = false
    /// Whether the client was told of the end, and what it still sends is read and dropped.
    var isLingering = false
    private var hasFinished = false
    private var isRunning = false
    private var hasBegun = false
    private let counters: LoopCounters?
    /// The first reason there was.
    var closeCause: CloseCause?
    /// Where ``home`` keeps this connection.
    var position = -1
    /// Looks in a row that found it at rest, while the server is draining.
    private var looksAtRest = 0
    /// `nil` when the client has taken all.
    var backlog: Backlog?
    /// Whether ``home`` looks at the backlog from time to time.
    var isBacklogWatched = false

    // The event that the pool has.
    private(set) var kind = EventKind.connected
    private var body = ByteBuffer()

    init(server: Server, home: LoopConnections) {
        self.server = server
        self.home = home
        self.counters = server.counters?.loops[home.loopIndex]
        self.machine = ConnectionStateMachine(framing: server.framing)
    }

    /// Closes the socket, whatever is still to be written.
    func cutOff() {
        // Who was to be drained and is here still has not read all.
        if self.closeCause == nil || self.closeCause == .drain {
            self.closeCause = .cutOff
        }
        self.context?.close(promise: nil)
    }

    var isDraining: Bool {
        self.machine.isDraining
    }

    /// Whether an event is still to be handled, or the client has not taken all that was written.
    var isUnfinished: Bool {
        !self.hasFinished || self.context.map { self.untakenBytes($0) > 0 } ?? false
    }

    /// Ends the connection as soon as what has come is served, and a packet that has begun complete.
    func drain() {
        self.machine.drain()
        self.run()
    }

    /// Ends the connection, whether a packet has begun or not, and however little of what was written the client has read.
    func end() {
        self.machine.end()
        self.run()
    }

    /// Ends the connection when this look and so many before it found it between two packets, and nothing came.
    func drainIfAtRest(looks: Int) {
        guard self.machine.isBetweenPackets else {
            self.looksAtRest = 0
            return
        }
        self.looksAtRest += 1
        if self.looksAtRest > looks {
            self.drain()
        }
    }

    // MARK: Doing what the machine says

    private func run() {
        // A refused event is finished before it is even submitted: the loop below goes on with it.
        guard !self.isRunning else {
            return
        }
        self.isRunning = true
        defer { self.isRunning = false }
        while true {
            switch self.machine.next() {
            case .wait:
                self.releaseRead()
                return
            case .submit(let kind, let body):
                self.kind = kind
                self.body = body
                self.counters?.submitted(kind)
                // Nothing of it is made up unless somebody asks for it.
                self.server.logger.trace("event", metadata: self.eventMetadata)
                self.server.pool.submit(self)
            case .closeSocket(let reason):
                self.log(reason)
                self.closeCause = self.closeCause ?? CloseCause(reason)
                self.closeSocket(isDraining: reason == .draining)
            case .finished:
                if !self.hasFinished {
                    self.hasFinished = true
                    self.home.sessionEnded()
                }
                self.leaveIfDone()
                return
            }
        }
    }

    /// The connection is over when its events are done and its socket is closed.
    private func leaveIfDone() {
        if self.hasFinished, self.context == nil {
            self.home.remove(self)
        }
    }

    func releaseRead() {
        // Not before half of it is taken: what comes is copied together with what is there.
        if self.isReadHeld, self.mayRead(beyond: self.server.readBufferSize / 2) {
            self.isReadHeld = false
            self.context?.read()
        }
    }

    /// Beyond one read buffer a client waits until a worker has taken what came.
    private func mayRead(beyond buffered: Int) -> Bool {
        self.isLingering || !self.machine.isHoldingInput || self.machine.buffered < max(1, buffered)
    }

    // MARK: Logging

    private func log(_ reason: ConnectionStateMachine.CloseReason) {
        switch reason {
        case .client, .worker, .writeClose, .draining:
            self.server.logger.debug("connection closed", metadata: self.metadata(["reason": "\(reason)"]))
        case .workerError(let message):
            self.server.logger.error("worker answered with an error", metadata: self.metadata(["error": "\(message)"]))
        case .eventFailed(let failure):
            self.server.logger.error("\(failure)", metadata: self.metadata(["event": "\(self.kind.rawValue)"]))
        case .packetTooLarge:
            self.server.logger.error(
                "a packet is larger than max_packet_size, the connection is closed",
                metadata: self.metadata(["max_packet_size": "\(self.server.framing.maximumPacketSize)"])
            )
        }
    }

    /// What a worker answers to a CLOSE changes nothing any more, but that it failed is news.
    private func logClose(_ outcome: RequestOutcome) {
        switch outcome {
        case .answered(.reply), .answered(.missing):
            break
        case .answered(.error(let message)):
            self.server.logger.error(
                "worker answered CLOSE with an error",
                metadata: self.metadata(["event": "CLOSE", "error": "\(String(buffer: message))"])
            )
        case .failed(let failure):
            if !failure.reachedWorker {
                self.home.noteLoss()
            }
            self.server.logger.error(
                failure.reachedWorker ? "CLOSE may not have been handled" : "CLOSE was not delivered",
                metadata: self.metadata(["event": "CLOSE", "reason": "\(failure)"])
            )
        }
    }

    private var eventMetadata: Logger.Metadata {
        self.metadata(["event": "\(self.kind.rawValue)", "bytes": "\(self.body.readableBytes)"])
    }

    func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        var metadata = more
        metadata["server"] = "\(self.server.name)"
        let identity = EventContext.identity(prefix: self.contextPrefix)
        metadata["remote_addr"] = "\(identity.remoteAddress)"
        metadata["uuid"] = "\(identity.uuid)"
        return metadata
    }
}

// MARK: - What the pool asks and tells

extension ConnectionHandler: PoolRequest {
    var loopIndex: Int {
        self.home.loopIndex
    }

    var isLast: Bool {
        self.kind == .close
    }

    var size: Int {
        ByteBuffer.mostOfEventFrame + self.contextPrefix.count + self.body.readableBytes
    }

    func write(into frame: inout ByteBuffer) -> ByteBuffer? {
        frame.writeEventFrame(self.kind, contextPrefix: self.contextPrefix, body: self.body)
    }

    func finished(_ outcome: RequestOutcome) {
        if self.home.eventLoop.inEventLoop {
            self.finishedHere(outcome)
        } else {
            self.home.eventLoop.execute { self.finishedHere(outcome) }
        }
    }

    private func finishedHere(_ outcome: RequestOutcome) {
        if self.body.storageCapacity > 0, self.machine.buffered == 0 {
            let body = self.body
            self.body = ByteBuffer()
            self.home.recycle(body)
        } else {
            self.body = ByteBuffer()
        }
        if self.kind == .close {
            self.logClose(outcome)
        }
        if case .answered(.missing(let processID)) = outcome, self.kind != .close {
            self.server.logger.error(
                "the worker has not answered an event, which counts as CONTINUE: is a call of respond() missing?",
                metadata: self.metadata([
                    "event": "\(self.kind.rawValue)", "worker.pid": "\(processID.map { "\($0)" } ?? "gone")",
                ])
            )
        }
        if let answer = self.machine.finished(outcome), let context {
            self.counters?.sent(answer.readableBytes)
            if answer.readableBytes > Self.largeAnswer {
                self.limitWrites(context)
            }
            if let rest = self.writer.write(answer, context) {
                context.writeAndFlush(self.wrapOutboundOut(rest), promise: nil)
            }
            if self.writer.isBehind {
                self.countBacklog(context, answer: answer.readableBytes)
            }
        }
        self.run()
    }
}

// MARK: - What happens on the socket

extension ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.home.limit.closed()
    }

    func channelActive(context: ChannelHandlerContext) {
        // The channel's and not the context's, which asks the system each time.
        let remoteAddress = context.channel.remoteAddress
        guard remoteAddress != nil || !self.server.isTCP else {
            // It was reset before it was accepted: there is nobody to tell workers of.
            context.close(promise: nil)
            return
        }
        self.hasBegun = true
        self.contextPrefix = EventContext.prefix(
            remoteAddress: remoteAddress,
            server: self.server.quotedName,
            uuid: self.home.uuids.next()
        )
        self.home.add(self)
        self.counters?.connectionAccepted()
        if self.home.endsConnections {
            self.machine.drain()
        }
        self.run()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.looksAtRest = 0
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
        if self.mayRead(beyond: self.server.readBufferSize) {
            context.read()
        } else {
            self.isReadHeld = true
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
            self.machine.clientEnded()
            self.run()
            if self.isLingering {
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        self.forgetBacklog()
        if self.hasBegun {
            self.counters?.connectionClosed(self.closeCause ?? .client)
            self.machine.socketClosed()
            self.run()
            self.leaveIfDone()
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client is gone; what it sent before is still served.
        self.closeCause = self.closeCause ?? .error
        self.server.logger.debug("connection error", metadata: self.metadata(["error": "\(error)"]))
        context.close(promise: nil)
    }
}
