import Glibc
import NIOCore

/// Closes the socket as ``SocketStateMachine`` directs.
extension ConnectionHandler {
    func closeSocket() {
        self.updateSocket { machine, context in
            machine.closeSocket(unwritten: self.unwrittenBytes(context)) { self.isSettled(context) }
        }
    }

    func run(_ action: SocketStateMachine.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .nothing:
            break
        case .flush(let time):
            let flushed = context.eventLoop.makePromise(of: Void.self)
            flushed.futureResult.assumeIsolated().whenComplete { _ in
                self.updateSocket { machine, context in
                    machine.flushed { self.isSettled(context) }
                }
            }
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer()), promise: flushed)
            self.checkFlush(after: time, context)
        case .checkFlush(let time):
            self.checkFlush(after: time, context)
        case .endOutput(let time):
            context.close(mode: .output, promise: nil)
            self.checkLinger(after: time, context)
        case .checkLinger(let time):
            self.checkLinger(after: time, context)
        case .close:
            context.close(promise: nil)
        case .giveUp:
            self.home.noteLoss()
            context.close(promise: nil)
        }
    }

    private func checkFlush(after time: TimeAmount, _ context: ChannelHandlerContext) {
        context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.updateSocket { machine, context in
                machine.checkFlush(unwritten: self.unwrittenBytes(context))
            }
        }
    }

    private func checkLinger(after time: TimeAmount, _ context: ChannelHandlerContext) {
        context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.updateSocket { machine, context in
                machine.checkLinger(untaken: self.untakenBytes(context))
            }
        }
    }

    /// Whether the client's system has taken all, and no input is unread.
    private func isSettled(_ context: ChannelHandlerContext) -> Bool {
        self.untakenBytes(context) == 0 && self.systemCount(UInt(FIONREAD), context) == 0
    }

    /// Written bytes that the client's system has not acknowledged.
    ///
    /// On a unix socket, bytes that the system has taken reach the client even if the server exits.
    func untakenBytes(_ context: ChannelHandlerContext) -> Int {
        let unwritten = self.unwrittenBytes(context)
        return self.environment.isTCP ? unwritten + self.systemCount(UInt(TIOCOUTQ), context) : unwritten
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
