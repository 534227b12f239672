import NIOCore

/// Passes the bytes of a connection through its stages.
///
/// A connection has this handler while it has stages, and to its end if it is encrypted, or may be. The handler that
/// encrypts is before this one: what comes here is what the client meant.
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
        /// The session has begun. Can become `upgrading`.
        case passing(StageChain)
        /// The session waits for a handshake that it has asked for. Can become `passing` or `failed`.
        case upgrading(StageChain)
        /// The connection has no session and is closed: further bytes are dropped. Final.
        case refused
        /// A stage has failed and the connection is closed, but its session goes on to its end. Final.
        case failed
    }

    private var state: State
    private let maker: Maker
    /// Encrypts when the session asks for it; `nil` if it cannot.
    private var upgrade: Edge.Upgrade?
    private var context: ChannelHandlerContext?
    private(set) var peer: SocketAddress?
    private var hasReceived = false
    /// Of a connection that is encrypted, or may be, once it has its session.
    private var output: EncryptedOutput?
    private var isWritingSlices = false
    private var willWriteSlices = false
    /// Limits the time of the stage that is waiting: there is none before and after that.
    private var timer: Scheduled<Void>?
    /// The number of stages that were opened when the timer was set.
    private var timedStages = 0

    init(_ stages: [Stage], _ upgrade: Edge.Upgrade?, _ maker: Maker) {
        self.state = .new(stages)
        self.upgrade = upgrade
        self.maker = maker
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.endTimer()
        self.output?.fail()
        if case .entering = self.state {
            self.refuse(self.departure)
        }
        switch self.state {
        case .new, .entering, .refused: self.maker.endedWithoutSession()
        case .passing, .upgrading, .failed: break
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
        switch self.state {
        case .passing:
            context.fireChannelRead(data)
        case .entering, .upgrading:
            self.hasReceived = true
            self.receive(self.unwrapInboundIn(data), context)
        case .new, .refused, .failed:
            break
        }
    }

    private func receive(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        do throws(EdgeFailure) {
            switch self.state {
            case .entering(var chain):
                let flow = try chain.receive(bytes)
                self.state = .entering(chain)
                switch flow {
                case .waiting: self.limitTime(chain, context)
                case .encrypt(let encryption): self.put(encryption, context)
                case .done(let rest): self.beginSession(chain, rest, context)
                }
            case .upgrading(var chain):
                let flow = try chain.receive(bytes)
                self.state = .upgrading(chain)
                switch flow {
                case .waiting: self.limitTime(chain, context)
                case .encrypt(let encryption): self.put(encryption, context)
                case .done: self.tellSession(chain, context)
                }
            case .new, .passing, .refused, .failed:
                break
            }
        } catch {
            self.fail(error, context)
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

    private func endTimer() {
        self.timer?.cancel()
        self.timer = nil
    }

    /// The time of the stage goes on: it is the time of the handshake.
    private func put(_ encryption: Encryption, _ context: ChannelHandlerContext) {
        if case .entering(let chain) = self.state {
            self.limitTime(chain, context)
        }
        let pipeline = context.pipeline.syncOperations
        do {
            try Self.boundMemory(context.channel)
            try pipeline.addHandlers(encryption.handlers, position: .before(self))
            // From the socket's end: it is the handlers'.
            pipeline.fireChannelRead(NIOAny(encryption.received))
        } catch {
            // Fails only if the channel is already closed, which is told as well.
            context.close(promise: nil)
        }
    }

    /// The library keeps a buffer for what was decrypted in one turn, and one for what was encrypted, until the connection
    /// ends: with these options they are no larger than at the beginning, 32 KiB and what is next to it.
    private static func boundMemory(_ channel: any Channel) throws {
        let mark = EncryptedOutput.highWaterMark
        let allocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2048, maximum: 32 * 1024)
        try channel.syncOptions?.setOption(.recvAllocator, value: allocator)
        try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: mark / 2, high: mark))
    }

    private func beginSession(_ chain: StageChain, _ rest: ByteBuffer, _ context: ChannelHandlerContext) {
        self.state = .passing(chain)
        let isRaw = !chain.isEncrypted && self.upgrade == nil
        self.output = isRaw ? nil : EncryptedOutput()
        let offer = self.upgrade == nil ? [] : [TransportFact("starttls", .flag(true))]
        let established = Established(
            remoteAddress: chain.facts.remoteAddress,
            isClient: chain.facts.isClient,
            facts: chain.facts.transport + offer,
            writer: self.output.map { SessionWriter($0) } ?? SessionWriter(),
            mayEncrypt: self.upgrade != nil
        )
        let session = self.maker.makeSession(Entrance(established))
        do {
            try context.pipeline.syncOperations.addHandler(session, position: .after(self))
        } catch {
            // Fails only if the channel is already closed.
            self.refuse(self.departure)
            return
        }
        self.leave(.established)
        if rest.readableBytes > 0 {
            context.fireChannelRead(self.wrapInboundOut(rest))
        }
        if isRaw {
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }

    private func leave(_ outcome: EdgeOutcome) {
        self.endTimer()
        self.maker.leave(self, outcome)
    }

    /// The session of an established connection learns of the failure as of any other error of its channel.
    private func fail(_ failure: EdgeFailure, _ context: ChannelHandlerContext) {
        switch self.state {
        case .entering:
            self.refuse(failure)
            self.sayFarewell(failure, context)
        case .upgrading:
            self.state = .failed
            self.endTimer()
            self.sayFarewell(failure, context)
            // The session may close the channel.
            context.fireErrorCaught(failure)
        case .new, .passing, .refused, .failed:
            return
        }
        context.close(promise: nil)
    }

    private func sayFarewell(_ failure: EdgeFailure, _ context: ChannelHandlerContext) {
        if !failure.farewell.isEmpty {
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: failure.farewell)), promise: nil)
        }
    }

    private func refuse(_ failure: EdgeFailure) {
        self.state = .refused
        self.leave(.refused(failure))
    }

    /// The client leaves before it has a session, or in the handshake that its session has asked for.
    private var departure: EdgeFailure {
        if case .upgrading = self.state {
            return EdgeFailure(.incomplete, "the client ended the connection in the handshake")
        }
        return self.hasReceived
            ? EdgeFailure(.incomplete, "the client ended the connection before it was established")
            : EdgeFailure(.silent, "the client ended the connection without having sent anything")
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .passing(let chain) = self.state else {
            // Before a handshake is done and past one that has failed nothing is written: it would be in clear.
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let bytes = self.unwrapOutboundIn(data)
        if chain.isEncrypted, let output, !output.isEmpty || bytes.readableBytes > EncryptedOutput.slice {
            output.append(bytes, promise)
        } else {
            context.write(data, promise: promise)
        }
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        self.writeSlices(context)
    }

    /// As long as the system takes them, the session is told nothing: it learns that the channel is writable after the
    /// last slice.
    private func writeSlices(_ context: ChannelHandlerContext) {
        guard let output, !self.isWritingSlices, !output.isEmpty else {
            return
        }
        self.isWritingSlices = true
        var left = EncryptedOutput.mostAtOnce
        while left > 0, context.channel.isWritable, let (slice, promise) = output.next() {
            context.writeAndFlush(self.wrapOutboundOut(slice), promise: promise)
            left -= 1
        }
        self.isWritingSlices = false
        guard context.channel.isWritable else {
            return
        }
        if output.isEmpty {
            context.fireChannelWritabilityChanged()
        } else {
            self.scheduleSlices(context)
        }
    }

    private func scheduleSlices(_ context: ChannelHandlerContext) {
        guard !self.willWriteSlices else {
            return
        }
        self.willWriteSlices = true
        context.eventLoop.assumeIsolated().execute {
            self.willWriteSlices = false
            if let context = self.context {
                self.writeSlices(context)
            }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable, self.output?.isEmpty == false || self.isWritingSlices else {
            return context.fireChannelWritabilityChanged()
        }
        if !self.isWritingSlices {
            // Not within the channel's own write, which would go on for as long as there are slices.
            self.scheduleSlices(context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch self.state {
        case .entering(let chain), .upgrading(let chain):
            if let failure = chain.failure(error) {
                self.fail(failure, context)
            } else if case .upgrading = self.state {
                context.fireErrorCaught(error)
            } else {
                context.close(promise: nil)
            }
        case .new, .refused:
            context.close(promise: nil)
        case .passing(let chain):
            if !chain.isHarmless(error) {
                context.fireErrorCaught(error)
            }
        case .failed:
            context.fireErrorCaught(error)
        }
    }
}

// MARK: - Handshakes

extension EdgeHandler {
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            switch self.state {
            case .entering, .upgrading: self.fail(self.departure, context)
            case .new, .passing, .refused, .failed: break
            }
        }
        do throws(EdgeFailure) {
            switch self.state {
            case .entering(var chain):
                if try chain.established(by: event) {
                    self.state = .entering(chain)
                    return self.receive(ByteBuffer(), context)
                }
            case .upgrading(var chain):
                if try chain.established(by: event) {
                    self.state = .upgrading(chain)
                    return self.receive(ByteBuffer(), context)
                }
            case .new, .passing, .refused, .failed:
                break
            }
        } catch {
            return self.fail(error, context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is StartEncryption else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        guard case .passing(var chain) = self.state, let upgrade = self.upgrade.take() else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        chain.add(upgrade())
        self.state = .upgrading(chain)
        self.receive(ByteBuffer(), context)
        promise?.succeed()
    }

    private func tellSession(_ chain: StageChain, _ context: ChannelHandlerContext) {
        self.endTimer()
        self.state = .passing(chain)
        context.fireUserInboundEventTriggered(EncryptionStarted(facts: chain.facts.transport))
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
