import NIOCore

/// Passes the bytes of a connection through its stages. A connection has this handler only while it has stages.
final class EdgeHandler<Maker: SessionMaker>: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// The channel is not active yet. Can become `entering` or `ended`.
        case new([Stage])
        /// A stage is waiting. Can become `passing` or `ended`.
        case entering(StageChain)
        /// The session has begun. Can become `ended`.
        case passing(StageChain)
        /// The connection is refused or over: further bytes are dropped.
        case ended
    }

    private var state: State
    private let maker: Maker

    init(_ stages: [Stage], _ maker: Maker) {
        self.state = .new(stages)
        self.maker = maker
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        switch self.state {
        case .new, .entering: self.maker.endedWithoutSession()
        case .passing, .ended: break
        }
        self.state = .ended
    }

    /// Not forwarded: a session that is added later begins at once, and no other handler follows this one.
    func channelActive(context: ChannelHandlerContext) {
        if case .new(let stages) = self.state {
            self.state = .entering(StageChain(stages, remoteAddress: context.channel.remoteAddress))
            self.receive(ByteBuffer(), context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
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
                }
            case .passing(var chain):
                let flow = try chain.receive(bytes)
                self.state = .passing(chain)
                self.reply(flow.reply, context)
                self.pass(flow.bytes, context)
            case .new, .ended:
                break
            }
        } catch {
            self.fail(error, context)
        }
        if case .passing(let chain) = self.state, chain.isEmpty {
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }

    private func beginSession(_ chain: StageChain, _ context: ChannelHandlerContext) {
        let established = Established(
            remoteAddress: chain.facts.remoteAddress,
            facts: chain.facts.transport,
            writer: SessionWriter(isRaw: !chain.transforms)
        )
        let session = self.maker.makeSession(Entrance(established))
        do {
            try context.pipeline.syncOperations.addHandler(session, position: .after(self))
        } catch {
            // Fails only if the channel is already closed.
            self.state = .ended
            self.maker.endedWithoutSession()
        }
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

    private func fail(_ failure: EdgeFailure, _ context: ChannelHandlerContext) {
        self.maker.failed(failure)
        switch self.state {
        case .new, .entering: self.maker.endedWithoutSession()
        case .passing, .ended: break
        }
        self.state = .ended
        context.close(promise: nil)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .passing(var chain) = self.state, chain.transforms else {
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
            self.fail(EdgeFailure("the client ended the connection before it was established"), context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch self.state {
        case .new, .entering: context.close(promise: nil)
        case .passing, .ended: context.fireErrorCaught(error)
        }
    }
}
