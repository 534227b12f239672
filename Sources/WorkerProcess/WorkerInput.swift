import NIOCore
import Sockets

/// The way to a worker: writes to its standard input, or to the socket of its relay. Confined to the event loop.
///
/// A worker's standard input has a channel of its own. If the reader of a pipe is gone, SwiftNIO does not notify a
/// channel for both directions: it closes that descriptor, and the channel stays active. A channel that only writes is
/// closed, so that the worker is given up at once.
final class WorkerInput: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var writer = DirectWriter(isLongLived: true)
    private var context: ChannelHandlerContext?
    /// Sizes of the buffers that the channel was given and has not written, in order.
    private var pending = CircularBuffer<Int>()
    private var whenClosed: (() -> Void)?

    /// - Parameter whenClosed: Called once, on the event loop, and held until then.
    init(whenClosed: @escaping () -> Void) {
        self.whenClosed = whenClosed
    }

    /// Whether the other end may still read.
    var isOpen: Bool {
        self.context != nil
    }

    /// Whether the system has not taken all written bytes yet.
    var isBehind: Bool {
        guard let context, self.writer.isBehind else {
            return false
        }
        return self.writer.unwrittenBytes(context) > 0
    }

    func write(_ bytes: ByteBuffer) {
        if let context, let rest = self.writer.write(bytes, context) {
            context.writeAndFlush(self.wrapOutboundOut(rest), promise: self.pending(rest.readableBytes, context))
        }
    }

    /// Counts bytes that the channel is given until it has written them.
    private func pending(_ count: Int, _ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        self.pending.append(count)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { self.pending.removeFirst() }
        return promise
    }

    /// Bytes that the system was never given, once the channel is closed: of the first buffer that the channel has not
    /// written, a part may have been.
    var unwrittenBytes: Int {
        self.pending.dropFirst().reduce(0, +)
    }

    /// Writes two buffers with one call of the system.
    func write(_ first: ByteBuffer, _ second: ByteBuffer) {
        if let context {
            self.writer.channelWrites()
            context.write(self.wrapOutboundOut(first), promise: self.pending(first.readableBytes, context))
            context.writeAndFlush(
                self.wrapOutboundOut(second), promise: self.pending(second.readableBytes, context))
        }
    }

    func close() {
        self.context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        let whenClosed = self.whenClosed
        self.whenClosed = nil
        whenClosed?()
        context.fireChannelInactive()
    }
}
