import Glibc
import Goridge
import Logging
import NIOCore
import Synchronization
import WorkerPool

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

    let id: WorkerID
    let eventLoop: any EventLoop
    let loopIndex: Int
    let handshake: Handshake
    /// Where the worker connects; `nil` when its input and output are the relay.
    let listener: RelayListener?
    let events: any WorkerEvents
    /// Names the worker, and its process from the moment on that it is known.
    var logger: Logger

    struct Process {
        /// For as long as it cannot be another's.
        var id: pid_t?
        /// Whether its process group was frozen, and must be killed before the id is given up.
        var isCondemned = false
    }

    let process = Mutex(Process())

    /// What the pool's workers are known for.
    let habits: WorkerHabits

    // Confined to the event loop.
    var machine = WorkerStateMachine()
    var decoder = FrameDecoder()
    var context: ChannelHandlerContext?
    /// Where requests are written; there before the relay's channel is.
    var input: WorkerInput?
    /// The frame being written; reused.
    var frame = ByteBuffer()
    /// Tells of the input whether it was read; `nil` when requests go over a socket.
    var unreadInput: UnreadInput?
    /// Done when the process has ended.
    var exit: EventLoopFuture<Void>?
    /// Bytes written since the last request, that request included.
    private var unansweredBytes = 0
    /// Whether the worker has not got a byte of the last request: it was to be written whole or not at all, and failed.
    private var isUnwritten = false
    /// The request that waits until the worker has said all that it owes.
    var held: (any PoolRequest)?
    var isTicking = false
    var isTickingForClose = false
    /// Whether the relay is closed as soon as all that the worker wrote is read.
    var isFinishing = false
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
    /// Whether the process had ended before it was killed here.
    var endedByItself = false
    /// When a process that was asked to end is killed.
    var stopDeadline: NIODeadline?

    init(
        id: WorkerID,
        eventLoop: any EventLoop,
        loopIndex: Int,
        handshake: Handshake,
        listener: RelayListener?,
        habits: WorkerHabits,
        events: any WorkerEvents,
        logger: Logger
    ) {
        self.id = id
        self.eventLoop = eventLoop
        self.loopIndex = loopIndex
        self.handshake = handshake
        self.listener = listener
        self.habits = habits
        self.events = events
        self.logger = logger
        self.logger[metadataKey: "worker.id"] = "\(id)"
    }
}

// MARK: - Requests

extension WorkerRelay: WorkerHandle {
    func serve(_ request: any PoolRequest) {
        if self.eventLoop.inEventLoop {
            self.take(request)
        } else {
            self.eventLoop.execute { self.take(request) }
        }
    }

    private func take(_ request: any PoolRequest) {
        guard let input, input.isOpen, !self.wasKilled else {
            // The pool is told, or knows, as soon as all that the worker wrote is read, and the request is another's.
            return
        }
        switch self.machine.lease(isClose: request.isLast, probesCloses: self.habits.probesCloses) {
        case .write:
            self.write(request, to: input, withProbe: false)
        case .writeWithProbe:
            self.write(request, to: input, withProbe: true)
        case .hold:
            self.held = request
            self.watch(isClose: false)
        case .refuse:
            // It failed since it was chosen: the pool knows.
            break
        }
    }

    private func write(_ request: any PoolRequest, to input: WorkerInput, withProbe: Bool) {
        self.frame.clear()
        self.watch(isClose: request.isLast)
        if let rest = request.write(into: &self.frame) {
            self.isUnwritten = false
            self.unansweredBytes = self.frame.readableBytes + rest.readableBytes
            input.write(self.frame, rest)
            return
        }
        if withProbe {
            self.frame.writeControlFrame(.pid(self.handshake.serverPID))
        }
        self.unansweredBytes = self.frame.readableBytes
        self.isUnwritten = self.unansweredBytes <= Self.atomicWrite
        // When nobody can read it any more the input is closed before this returns.
        input.write(self.frame)
        self.isUnwritten = self.isUnwritten && !input.isOpen
    }

    /// Goes on with the request that was held back, when the worker is free.
    func releaseHeld() {
        if self.machine.isIdle, let request = self.held {
            self.held = nil
            self.take(request)
        }
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
        var frame = ByteBuffer()
        frame.writeControlFrame(message)
        self.unansweredBytes += frame.readableBytes
        self.input?.write(frame)
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
        if self.input?.isOpen != true {
            // It was closed before this channel was there to be told.
            self.finishReading()
        }
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

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.isFinishing {
            self.finishReading()
        }
        context.fireChannelReadComplete()
    }

    private func received(_ bytes: ByteBuffer) {
        if let strayOutput {
            strayOutput.append(bytes)
            return
        }
        self.decoder.append(bytes)
        do throws(FrameError) {
            while let frame = try self.decoder.next() {
                let outstanding = self.machine.outstanding
                let owesReply = outstanding > 0 && self.machine.owesReply
                let action = self.machine.received(
                    frame,
                    isLast: self.decoder.isEmpty,
                    mayProbe: self.habits.mayProbe
                )
                if outstanding > 0 {
                    self.learn(action, owedReply: owesReply, hasReplied: self.machine.outstanding < outstanding)
                }
                self.perform(action, frame)
            }
        } catch {
            self.receivedGarbage(error)
        }
        if self.held != nil {
            self.releaseHeld()
        }
    }

    /// What a frame that came while replies to probes were due tells of workers.
    private func learn(_ action: WorkerStateMachine.FrameAction, owedReply: Bool, hasReplied: Bool) {
        switch action {
        case .answer(let answer) where answer.ignoredProbe:
            self.habits.ignoredProbe()
        case .broken where owedReply:
            self.habits.missedReply()
        default:
            if hasReplied {
                self.habits.repliedToProbe()
            }
        }
    }

    private func perform(_ action: WorkerStateMachine.FrameAction, _ frame: Frame) {
        switch action {
        case .answer(let answer):
            if let lateError = answer.lateError {
                self.log(lateError: lateError)
            }
            if answer.isToClose {
                self.habits.answeredClose()
            }
            self.events.workerAnswered(self.id, [answer.answer])
        case .unanswered(let isClose):
            if isClose {
                self.habits.leftCloseUnanswered()
            }
            self.events.workerAnswered(self.id, [.missing(processID: self.processID)])
        case .lateError(let message):
            self.log(lateError: message)
        case .probe:
            self.writeControl(.pid(self.handshake.serverPID))
        case .refused:
            self.events.workerRefused(self.id, isLast: false)
        case .ready:
            self.handshakeTimer?.cancel()
            self.handshakeTimer = nil
            self.isReady = true
            self.events.workerReady(self.id, self)
        case .broken(let reason, let isBusy):
            self.gather(reason, frame.payload, self.decoder.undecoded)
            self.giveUp(reason, isBusy: isBusy)
        case .ignore:
            break
        }
    }

    /// An error frame behind an answer: `respond()` and then `$worker->error()`.
    private func log(lateError message: ByteBuffer) {
        self.logger.error(
            "worker reported an error after its answer", metadata: ["error": "\(String(buffer: message))"])
    }

    private func receivedGarbage(_ error: FrameError) {
        guard case .fail(let isBusy) = self.machine.giveUp() else {
            return
        }
        self.gather("\(error)", error.bytes)
        self.giveUp("what it wrote is \(error)", isBusy: isBusy)
    }

    /// Tells the pool at once: whoever waits for an answer does not wait for the rest of the garbage.
    func giveUp(_ reason: String, isBusy: Bool) {
        guard self.isReady else {
            // Told with the rest of the text when the process has ended.
            return
        }
        let failure = WorkerFailure(.protocolError, "the worker\(self.pidText) is given up: \(reason)")
        self.events.workerFailed(self.id, failure, begun: isBusy ? 1 : 0)
    }

    /// The process as a message names it.
    var pidText: String {
        self.processID.map { " (pid \($0))" } ?? ""
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.handshakeTimer?.cancel()
        if self.machine.owesReply {
            self.habits.missedReply()
        }
        switch self.machine.closed() {
        case .startFailed:
            self.unreadInput?.close()
            self.startFailure = self.startFailure ?? "the process ended before its handshake"
        case .failed(let isBusy):
            self.failed(isBusy: isBusy)
        case .failedAfter(let answer):
            self.events.workerAnswered(self.id, [answer])
            self.failed(isBusy: false)
        case .none:
            self.unreadInput?.close()
        }
        self.held = nil
        self.input?.close()
        self.finishGathering()
        context.fireChannelInactive()
    }

    private func failed(isBusy: Bool) {
        let rest = self.decoder.undecoded.readableBytes
        let failure = WorkerFailure(
            .exit,
            rest > 0
                ? "the worker\(self.pidText) ended in the middle of an answer, after \(rest) bytes of it"
                : "the worker\(self.pidText) has ended, or closed its input or output"
        )
        let count = self.unansweredBytes
        guard isBusy, !self.isUnwritten, let unreadInput, unreadInput.holds(count), let exit else {
            self.unreadInput?.close()
            self.events.workerFailed(self.id, failure, begun: isBusy && !self.isUnwritten ? 1 : 0)
            return
        }
        // A process that ends closes its descriptors in any order: only when it has ended is nobody left to read.
        exit.whenComplete { _ in
            let isUnread = unreadInput.isUnread(count)
            unreadInput.close()
            self.events.workerFailed(self.id, failure, begun: isUnread ? 0 : 1)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The channel closes by itself when it cannot go on.
        self.logger.debug("relay error", metadata: ["error": "\(error)"])
    }
}
