import Glibc
import NIOCore
import Sockets

/// The end of a socket: what was written goes out first, and the client gets all of it.
extension ConnectionHandler {
    /// How long a client may take to end its side after the server has ended its own.
    private static let lingerTime = TimeAmount.seconds(2)
    /// How often is looked whether the client's system has the last answer, while the server is draining.
    private static let drainInterval = TimeAmount.milliseconds(100)
    /// How long a client may read nothing of what it is still to get before the socket is closed anyway.
    private static let flushTime = TimeAmount.seconds(30)

    /// - Parameter isDraining: Whether the server ends the connection, and is not to wait for a client that has all.
    func closeSocket(isDraining: Bool) {
        guard let context else {
            return
        }
        guard self.writer.unwrittenBytes(context) > 0 else {
            self.closeFlushed(isDraining: isDraining)
            return
        }
        // What was written before goes out first.
        let flushed = context.eventLoop.makePromise(of: Void.self)
        flushed.futureResult.assumeIsolated().whenComplete { _ in self.closeFlushed(isDraining: isDraining) }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer()), promise: flushed)
        self.watchFlush(context, pending: Int.max)
    }

    /// Lets go of a client that has long stopped reading.
    private func watchFlush(_ context: ChannelHandlerContext, pending: Int) {
        let left = self.writer.unwrittenBytes(context)
        guard left > 0 else {
            return
        }
        guard left < pending else {
            self.home.noteLoss()
            context.close(promise: nil)
            return
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.flushTime) {
            if let context = self.context {
                self.watchFlush(context, pending: left)
            }
        }
    }

    private func closeFlushed(isDraining: Bool) {
        guard let context else {
            return
        }
        let mayClose = isDraining && self.untakenBytes(context) == 0 && self.systemCount(UInt(FIONREAD), context) == 0
        guard !mayClose, !self.machine.hasInputEnded else {
            context.close(promise: nil)
            return
        }
        // Closing a socket that has unread input, or gets some later, resets it, and the client would never see what the
        // system has still to send: it is told of the end, and what it still sends is read and dropped until it ends
        // its side.
        self.isLingering = true
        context.close(mode: .output, promise: nil)
        let interval = isDraining ? Self.drainInterval : Self.lingerTime
        self.watchLinger(context, interval: interval, untaken: Int.max, patience: Self.flushTime)
        self.releaseRead()
    }

    /// Closes the socket when the client's system has all, or has taken nothing for long.
    private func watchLinger(
        _ context: ChannelHandlerContext,
        interval: TimeAmount,
        untaken: Int,
        patience: TimeAmount
    ) {
        context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            guard let context = self.context else {
                return
            }
            let left = self.untakenBytes(context)
            let patience = left < untaken ? Self.flushTime : patience - interval
            guard left > 0, patience > .zero else {
                if left > 0 {
                    self.home.noteLoss()
                }
                context.close(promise: nil)
                return
            }
            self.watchLinger(context, interval: interval, untaken: left, patience: patience)
        }
    }

    /// Bytes that were written and that the client's system has not acknowledged.
    ///
    /// On a unix socket what the system has is the client's, whatever becomes of the server.
    func untakenBytes(_ context: ChannelHandlerContext) -> Int {
        let unwritten = self.writer.unwrittenBytes(context)
        return self.server.isTCP ? unwritten + self.systemCount(UInt(TIOCOUTQ), context) : unwritten
    }

    /// Asks the system for bytes in one of the socket's queues; 0 when there is no socket.
    private func systemCount(_ request: UInt, _ context: ChannelHandlerContext) -> Int {
        let pipeline = context.pipeline.syncOperations
        let count = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { descriptor in
            var count: CInt = 0
            return ioctl(descriptor, request, &count) == 0 ? Int(count) : 0
        }
        return count ?? 0
    }
}
