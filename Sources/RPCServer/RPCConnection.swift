import Glibc
import Goridge
import Logging
import NIOCore
import RPC
import Sockets

/// One caller's connection: its calls run as they come, and each reply is sent when it is there.
///
/// The handler stops reading, and so lets the caller wait, while too many calls are in flight or replies are not taken.
/// What comes after a malformed frame is not looked at; the calls before it are still answered.
final class RPCConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        /// Can become `refusing`.
        case serving
        /// A malformed frame has come: the connection closes with its last reply. Final.
        case refusing
    }

    /// A call whose reply comes later.
    private struct Deferred {
        /// Whoever drops the reply fails the call, so it is not kept alive here.
        weak var reply: RPCReply?
        let id: UInt32
        let codec: RPCCodec
        let entry: RPCMethodTable.Entry
        let bytes: Int
        let since: NIODeadline
    }

    /// Replies that are gathered before they are written, and a longer result is not copied to them: 128 KiB.
    private static let batch = 128 * 1024

    /// The most memory that a connection keeps for its next replies: 64 KiB.
    private static let keptCapacity = 64 * 1024

    private let environment: RPCEnvironment
    private var decoder: RPCFrameDecoder
    private var phase = Phase.serving
    private var caller = RPCCaller()
    private var context: ChannelHandlerContext?
    private var writer: DirectWriter
    /// Replies that are not written yet.
    private var replies = ByteBuffer()
    private var calls: [UInt64: Deferred] = [:]
    /// Bytes of the arguments of ``calls``.
    private var bytesInFlight = 0
    private var lastCall: UInt64 = 0
    /// Whether a turn is running, or will: it writes what is gathered.
    private var hasTurn = false
    private var isReadHeld = false

    /// How replies are written.
    enum Way {
        /// To the descriptor, past the channel's other handlers.
        case direct
        /// Through all handlers: one of them encrypts.
        case throughChannel
    }

    init(_ environment: RPCEnvironment, _ way: Way) {
        self.environment = environment
        self.writer =
            switch way {
            case .direct: DirectWriter(isLongLived: true)
            case .throughChannel: .throughChannel
            }
        self.decoder = RPCFrameDecoder(messageLimit: environment.limits.messageBytes)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        let transport = context.pipeline.syncOperations
        let process = try? transport.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            PeerProcess.id(of: $0)
        }
        self.caller = RPCCaller(processID: process ?? nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.environment.deferred(-self.calls.count)
        let calls = self.calls
        self.calls = [:]
        for call in calls.values {
            call.reply?.abandon()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The caller has gone.
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .serving = self.phase else {
            return
        }
        let bytes = self.unwrapInboundIn(data)
        self.environment.received(bytes.readableBytes)
        self.decoder.append(bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.takeTurn(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !self.hasTurn {
            self.takeTurn(context)
        }
    }

    func read(context: ChannelHandlerContext) {
        if self.isHeld(context) {
            self.isReadHeld = true
        } else {
            context.read()
        }
    }

    // MARK: Turns

    /// Whether the next call must wait.
    private func isHeld(_ context: ChannelHandlerContext) -> Bool {
        self.calls.count >= self.environment.limits.calls || self.bytesInFlight >= self.environment.limits.messageBytes
            || !context.channel.isWritable
    }

    /// Runs the calls that have come, and writes the replies that are there.
    private func takeTurn(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else {
            return
        }
        self.hasTurn = true
        self.runCalls(context)
        self.write(context)
        self.hasTurn = false
        if case .refusing = self.phase, self.calls.isEmpty {
            // What is written goes out first.
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
                context.close(promise: nil)
            }
        } else if self.isReadHeld, !self.isHeld(context) {
            self.isReadHeld = false
            context.read()
        }
    }

    private func runCalls(_ context: ChannelHandlerContext) {
        guard case .serving = self.phase else {
            return
        }
        do throws(RPCFault) {
            while !self.isHeld(context), let request = try self.decoder.next() {
                self.run(request, context)
                if self.replies.readableBytes >= Self.batch {
                    self.write(context)
                }
            }
        } catch {
            self.phase = .refusing
            self.environment.log(error, from: self.peer(context))
        }
    }

    private func peer(_ context: ChannelHandlerContext) -> String {
        self.caller.processID.map { "process \($0)" } ?? context.remoteAddress.map { "\($0)" } ?? "unknown"
    }

    private func run(_ request: RPCFrame, _ context: ChannelHandlerContext) {
        let entry: RPCMethodTable.Entry
        do throws(RPCError) {
            entry = try self.environment.methods.find(request)
        } catch {
            self.environment.methods.unknown.count(isError: true)
            return self.reply(.failure(error), id: request.id, codec: request.codec, name: request.name, context)
        }
        switch request.codec {
        case .proto, .json, .raw: break
        case .msgpack, .gob:
            entry.counts.count(isError: true)
            return self.reply(
                .failure(.unknownCodec), id: request.id, codec: request.codec, name: request.name, context)
        }
        let call = RPCCall(codec: request.codec, argument: request.body, caller: self.caller)
        let start: NIODeadline = self.environment.isMeasured ? .now() : .uptimeNanoseconds(0)
        switch entry.method {
        case .immediate(let body):
            let result: Result<ByteBuffer, RPCError>
            do throws(RPCError) {
                result = .success(try body(call))
            } catch {
                result = .failure(error)
            }
            self.count(result, entry, since: start)
            self.reply(result, id: request.id, codec: request.codec, name: entry.nameBytes, context)
        case .deferred(let body):
            let reply = RPCReply()
            body(call, reply)
            let number = self.lastCall + 1
            guard let result = reply.detach({ self.sender(of: number, context) }) else {
                return self.wait(for: reply, number, request, entry, since: start)
            }
            self.count(result, entry, since: start)
            self.reply(result, id: request.id, codec: request.codec, name: entry.nameBytes, context)
        }
    }

    private func count(_ result: Result<ByteBuffer, RPCError>, _ entry: RPCMethodTable.Entry, since: NIODeadline) {
        let isError = if case .failure = result { true } else { false }
        entry.counts.count(isError: isError, time: self.environment.isMeasured ? .now() - since : .zero)
    }

    // MARK: Replies

    /// Takes the reply of a call that is completed later, on any thread.
    private func sender(of number: UInt64, _ context: ChannelHandlerContext) -> RPCReply.Send {
        let eventLoop = context.eventLoop
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        return { result in
            if eventLoop.inEventLoop {
                connection.value.completed(number, result)
            } else {
                eventLoop.execute { connection.value.completed(number, result) }
            }
        }
    }

    private func wait(
        for reply: RPCReply,
        _ number: UInt64,
        _ request: RPCFrame,
        _ entry: RPCMethodTable.Entry,
        since: NIODeadline
    ) {
        self.lastCall = number
        self.calls[number] = Deferred(
            reply: reply,
            id: request.id,
            codec: request.codec,
            entry: entry,
            bytes: request.payload.readableBytes,
            since: since
        )
        self.bytesInFlight += request.payload.readableBytes
        self.environment.deferred(1)
    }

    private func completed(_ number: UInt64, _ result: Result<ByteBuffer, RPCError>) {
        // Without an entry the connection has closed.
        guard let context, let call = self.calls.removeValue(forKey: number) else {
            return
        }
        self.bytesInFlight -= call.bytes
        self.environment.deferred(-1)
        self.count(result, call.entry, since: call.since)
        self.reply(result, id: call.id, codec: call.codec, name: call.entry.nameBytes, context)
        guard !self.hasTurn else {
            return
        }
        // Other replies may come in the same turn of the loop: they are written together.
        self.hasTurn = true
        context.eventLoop.assumeIsolated().execute {
            self.takeTurn(context)
        }
    }

    private func reply(
        _ result: Result<ByteBuffer, RPCError>,
        id: UInt32,
        codec: RPCCodec,
        name: ByteBuffer,
        _ context: ChannelHandlerContext
    ) {
        switch result {
        case .failure(let error):
            let length = error.text.utf8.count
            self.replies.writeRPCReplyHead(id: id, codec: codec, isError: true, name: name, length: length)
            self.replies.writeString(error.text)
        case .success(let body):
            let length = body.readableBytes
            self.replies.writeRPCReplyHead(id: id, codec: codec, isError: false, name: name, length: length)
            guard length >= Self.batch else {
                self.replies.writeImmutableBuffer(body)
                return
            }
            self.write(context)
            self.write(body, context)
        }
    }

    /// Writes the replies that are gathered; their memory serves the next ones.
    private func write(_ context: ChannelHandlerContext) {
        guard self.replies.readableBytes > 0 else {
            return
        }
        if self.write(self.replies, context), self.replies.capacity <= Self.keptCapacity {
            self.replies.clear()
        } else {
            self.replies = ByteBuffer()
        }
    }

    /// - Returns: Whether the system has taken all.
    @discardableResult
    private func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        self.environment.sent(bytes.readableBytes)
        guard let rest = self.writer.write(bytes, context) else {
            return true
        }
        context.writeAndFlush(self.wrapOutboundOut(rest), promise: nil)
        return false
    }
}
