import Goridge
import Logging
import NIOCore
import Sockets
import Synchronization
import WorkerPool

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One worker process: the channel handler of its relay, and the pool's handle on it.
///
/// The conversation's state is confined to the event loop; ``WorkerStateMachine`` decides. What other threads may touch
/// is behind a lock.
final class WorkerRelay: @unchecked Sendable {
    struct Handshake {
        let serverPID: Int
        let timeout: TimeAmount
    }

    /// The largest frame that a pipe takes whole or not at all (POSIX `PIPE_BUF` on Linux), in bytes.
    private static let atomicWrite = 4096
    /// A body larger than this is written on its own instead of being copied behind its context, in bytes.
    private static let largeBody = 32 * 1024

    let id: WorkerID
    let eventLoop: any EventLoop
    let loopIndex: Int
    let handshake: Handshake
    /// Where the worker connects; `nil` when its input and output are the relay.
    let listener: RelayListener?
    let events: any WorkerEvents
    /// Names the process from the moment on that it is known.
    var logger: Logger

    /// The process, for as long as its id cannot be another's.
    let process = Mutex<pid_t?>(nil)

    // Confined to the event loop.
    var machine = WorkerStateMachine()
    var decoder = FrameDecoder()
    var context: ChannelHandlerContext?
    private var writer = DirectWriter(isLongLived: true)
    /// The frame being written; reused.
    var frame = ByteBuffer()
    /// Whether the write that runs reaches the worker whole or not at all.
    var isWritingAtomically = false
    var handshakeTimer: Scheduled<Void>?
    /// What came over the relay before it was a channel; the worker has been told our pid then.
    var greeting: ByteBuffer?
    var strayOutput: StrayOutput?
    /// Why the worker never became ready.
    var startFailure: String?
    var isReady = false
    /// Whether nothing is read for now.
    var isHeld = false
    var wasStopped = false
    var wasKilled = false
    /// When a process that was asked to end is killed.
    var stopDeadline: NIODeadline?

    init(
        id: WorkerID,
        eventLoop: any EventLoop,
        loopIndex: Int,
        handshake: Handshake,
        listener: RelayListener?,
        events: any WorkerEvents,
        logger: Logger
    ) {
        self.id = id
        self.eventLoop = eventLoop
        self.loopIndex = loopIndex
        self.handshake = handshake
        self.listener = listener
        self.events = events
        self.logger = logger
    }
}

// MARK: - Requests

extension WorkerRelay: WorkerHandle {
    func serve(_ request: any PoolRequest) {
        if self.eventLoop.inEventLoop {
            self.write(request)
        } else {
            self.eventLoop.execute { self.write(request) }
        }
    }

    private func write(_ request: any PoolRequest) {
        guard let context, self.machine.lease() else {
            // It failed since it was chosen: the pool knows, and the request is another's.
            return
        }
        let event = request.event()
        self.frame.clear()
        self.frame.writeFrameHead(of: event)
        if event.body.readableBytes > Self.largeBody {
            self.writer.write(self.frame, event.body, context)
            return
        }
        self.frame.writeImmutableBuffer(event.body)
        self.isWritingAtomically = self.frame.readableBytes <= Self.atomicWrite
        self.writer.write(self.frame, context)
        self.isWritingAtomically = false
    }

    func stop(timeout: TimeAmount) {
        if self.eventLoop.inEventLoop {
            self.stopNow(timeout: timeout)
        } else {
            self.eventLoop.execute { self.stopNow(timeout: timeout) }
        }
    }

    private func stopNow(timeout: TimeAmount) {
        self.wasStopped = true
        switch self.machine.stop() {
        case .sendStop:
            self.stopDeadline = .now() + timeout
            // Held by the loop until then; a worker that has ended has no process any more to kill.
            self.eventLoop.scheduleTask(in: timeout) { [weak self] in
                self?.kill()
            }
            self.writeControl(.stop)
        case .kill:
            self.kill()
        case .none:
            break
        }
    }

    func writeControl(_ message: ControlMessage) {
        guard let context else {
            return
        }
        var frame = context.channel.allocator.buffer(capacity: 64)
        frame.writeControlFrame(message)
        self.writer.write(frame, context)
    }
}

// MARK: - Answers

extension WorkerRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if let greeting {
            self.received(greeting)
            self.greeting = nil
            return
        }
        self.writeControl(.pid(self.handshake.serverPID))
        self.handshakeTimer = self.eventLoop.scheduleTask(in: self.handshake.timeout) {
            self.handshakeTimedOut()
        }
    }

    private func handshakeTimedOut() {
        guard self.machine.isStarting, case .fail = self.machine.giveUp() else {
            return
        }
        let limit = self.handshake.timeout.nanoseconds / 1_000_000
        self.startFailure = "no handshake within \(limit) ms (allocate_timeout)"
        self.kill()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.received(self.unwrapInboundIn(data))
        if !self.decoder.isEmpty {
            self.holdLargeAnswer(context.channel)
        }
    }

    private func received(_ bytes: ByteBuffer) {
        if let strayOutput {
            strayOutput.append(bytes)
            return
        }
        self.decoder.append(bytes)
        do throws(FrameError) {
            while let frame = try self.decoder.next() {
                self.received(self.machine.received(frame, isLast: self.decoder.isEmpty), frame)
            }
        } catch {
            self.receivedGarbage(error)
        }
    }

    private func received(_ action: WorkerStateMachine.FrameAction, _ frame: Frame) {
        switch action {
        case .answer(let answer, let isUsable):
            if !isUsable {
                self.gather("bytes after its answer", firstBytes: self.decoder.undecoded)
            }
            self.events.workerAnswered(self.id, answer, isUsable: isUsable)
        case .refused:
            self.events.workerRefused(self.id)
        case .ready:
            self.handshakeTimer?.cancel()
            self.handshakeTimer = nil
            self.isReady = true
            self.events.workerReady(self.id, self)
        case .broken(let reason, let isBusy):
            var bytes = frame.payload
            bytes.writeImmutableBuffer(self.decoder.undecoded)
            self.gather(reason, firstBytes: bytes)
            self.giveUp(reason, isBusy: isBusy)
        case .ignore:
            break
        }
    }

    private func receivedGarbage(_ error: FrameError) {
        guard case .fail(let isBusy) = self.machine.giveUp() else {
            return
        }
        self.gather("\(error)", firstBytes: error.bytes)
        self.giveUp("what it wrote is \(error)", isBusy: isBusy)
    }

    /// Tells the pool at once: whoever waits for an answer does not wait for the rest of the garbage.
    private func giveUp(_ reason: String, isBusy: Bool) {
        guard self.isReady else {
            // Told with the rest of the text when the process has ended.
            return
        }
        let failure = WorkerFailure(.protocolError, "the worker\(self.pidText) is given up: \(reason)")
        self.events.workerFailed(self.id, failure, requestWritten: isBusy)
    }

    /// The process as a message names it.
    private var pidText: String {
        self.processID.map { " (pid \($0))" } ?? ""
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.handshakeTimer?.cancel()
        switch self.machine.closed() {
        case .startFailed:
            self.startFailure = self.startFailure ?? "the process ended before its handshake"
        case .failed(let isBusy):
            let rest = self.decoder.undecoded.readableBytes
            let failure = WorkerFailure(
                .exit,
                rest > 0
                    ? "the worker\(self.pidText) ended in the middle of an answer, after \(rest) bytes of it"
                    : "the worker\(self.pidText) has ended"
            )
            let requestWritten = isBusy && !self.isWritingAtomically
            self.events.workerFailed(self.id, failure, requestWritten: requestWritten)
        case .none:
            break
        }
        self.finishGathering()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The channel closes by itself when it cannot go on.
        self.logger.debug("relay error", metadata: ["error": "\(error)"])
    }
}

// MARK: - Stray output

extension WorkerRelay {
    /// How long what a worker wrote by mistake is gathered, as RoadRunner does (REFERENCE 1).
    private static let gatherTime = TimeAmount.seconds(2)

    /// Gathers what the worker writes from now on for the log, then ends it.
    private func gather(_ reason: String, firstBytes: ByteBuffer) {
        let strayOutput = StrayOutput(reason: reason)
        strayOutput.append(firstBytes)
        self.strayOutput = strayOutput
        self.eventLoop.scheduleTask(in: Self.gatherTime) { [weak self] in
            self?.finishGathering()
        }
    }

    private func finishGathering() {
        guard let strayOutput, !strayOutput.isFinished else {
            return
        }
        strayOutput.isFinished = true
        if self.isReady {
            self.logger.error("\(strayOutput.message)", metadata: ["reason": "\(strayOutput.reason)"])
        } else {
            self.startFailure = "\(strayOutput.message) (\(strayOutput.reason))"
        }
        self.kill()
    }
}
