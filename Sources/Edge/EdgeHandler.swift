import NIOCore

/// Passes the bytes of a connection through its stages. A connection has this handler only while it has stages.
final class EdgeHandler<Maker: SessionMaker>: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// The channel is not active yet. Can become `entering` or `refused`.
        case new([Stage])
        /// A stage is waiting. Can become `passing` or `refused`.
        case entering(StageChain)
        /// The session has begun. Can become `failed`.
        case passing(StageChain)
        /// The connection has no session and is closed: further bytes are dropped. Final.
        case refused
        /// A stage has failed and the connection is closed, but its session goes on to its end. Final.
        case failed
    }

    private var state: State
    private let maker: Maker
    private var context: ChannelHandlerContext?
    private(set) var peer: SocketAddress?
    private var hasReceived = false
    /// Limits the time of the stage that is waiting: there is none before and after that.
    private var timer: Scheduled<Void>?
    /// The number of stages that were opened when the timer was set.
    private var timedStages = 0

    init(_ stages: [Stage], _ maker: Maker) {
        self.state = .new(stages)
        self.maker = maker
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        if case .entering = self.state {
            self.refuse(self.departure)
        }
        switch self.state {
        case .new, .entering, .refused: self.maker.endedWithoutSession()
        case .passing, .failed: break
        }
        self.state = .failed
    }

    /// Not forwarded: a session that is added later begins at once, and no other handler follows this one.
    func channelActive(context: ChannelHandlerContext) {
        guard case .new(let stages) = self.state else {
            return
        }
        self.peer = context.channel.remoteAddress
        guard self.maker.enter(self) else {
            self.state = .refused
            context.close(promise: nil)
            return
        }
        self.state = .entering(StageChain(stages, remoteAddress: self.peer))
        self.receive(ByteBuffer(), context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.hasReceived = true
        self.receive(self.unwrapInboundIn(data), context)
    }

    private func receive(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        do throws(EdgeFailure) {
            switch self.state {
            case .entering(var chain):
                let flow = try chain.receive(bytes)
                self.reply(flow.reply, context)
                if chain.isEstablished {
                    self.state = .passing(chain)
                    self.beginSession(chain, context)
                    self.pass(flow.bytes, context)
                } else {
                    self.state = .entering(chain)
                    self.limitTime(chain, context)
                }
            case .passing(var chain):
                let flow = try chain.receive(bytes)
                self.state = .passing(chain)
                self.reply(flow.reply, context)
                self.pass(flow.bytes, context)
            case .new, .refused, .failed:
                break
            }
        } catch {
            self.fail(error, context)
        }
        if case .passing(let chain) = self.state, chain.isEmpty {
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }

    /// Sets the timer anew if another stage is waiting.
    private func limitTime(_ chain: StageChain, _ context: ChannelHandlerContext) {
        guard chain.opened != self.timedStages, let deadline = chain.deadline else {
            return
        }
        self.timedStages = chain.opened
        self.timer?.cancel()
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(in: deadline.time) {
            self.fail(deadline.failure, context)
        }
    }

    private func beginSession(_ chain: StageChain, _ context: ChannelHandlerContext) {
        let established = Established(
            remoteAddress: chain.facts.remoteAddress,
            isClient: chain.facts.isClient,
            facts: chain.facts.transport,
            writer: SessionWriter(isRaw: !chain.transforms)
        )
        let session = self.maker.makeSession(Entrance(established))
        do {
            try context.pipeline.syncOperations.addHandler(session, position: .after(self))
            self.leave(.established)
        } catch {
            // Fails only if the channel is already closed.
            self.refuse(self.departure)
        }
    }

    private func leave(_ outcome: EdgeOutcome) {
        self.timer?.cancel()
        self.timer = nil
        self.maker.leave(self, outcome)
    }

    private func reply(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        if bytes.readableBytes > 0 {
            context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
        }
    }

    private func pass(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        if bytes.readableBytes > 0 {
            context.fireChannelRead(self.wrapInboundOut(bytes))
        }
    }

    /// The session of an established connection learns of the failure as of any other error of its channel.
    private func fail(_ failure: EdgeFailure, _ context: ChannelHandlerContext) {
        switch self.state {
        case .entering:
            self.refuse(failure)
        case .passing:
            self.state = .failed
            context.fireErrorCaught(failure)
        case .new, .refused, .failed:
            return
        }
        context.close(promise: nil)
    }

    private func refuse(_ failure: EdgeFailure) {
        self.state = .refused
        self.leave(.refused(failure))
    }

    /// The client leaves before it has a session.
    private var departure: EdgeFailure {
        self.hasReceived
            ? EdgeFailure(.incomplete, "the client ended the connection before it was established")
            : EdgeFailure(.silent, "the client ended the connection without having sent anything")
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .passing(var chain) = self.state else {
            // Past a stage that has failed nothing is written: it could have had to be encrypted.
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard chain.transforms else {
            return context.write(data, promise: promise)
        }
        do throws(EdgeFailure) {
            let bytes = try chain.send(self.unwrapOutboundIn(data))
            self.state = .passing(chain)
            context.write(self.wrapOutboundOut(bytes), promise: promise)
        } catch {
            promise?.fail(error)
            self.fail(error, context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .entering = self.state, let event = event as? ChannelEvent, event == .inputClosed {
            self.fail(self.departure, context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch self.state {
        case .new, .entering, .refused: context.close(promise: nil)
        case .passing, .failed: context.fireErrorCaught(error)
        }
    }
}

extension EdgeHandler: EdgeConnection {
    func close() {
        guard case .entering = self.state else {
            return
        }
        self.state = .refused
        self.leave(.closed)
        self.context?.close(promise: nil)
    }
}
