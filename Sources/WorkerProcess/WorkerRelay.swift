import Glibc
import Goridge
import Logging
import NIOCore
import Synchronization
import WorkerPool

/// One worker process: the channel handler of its relay, and the pool's handle on it.
///
/// The conversation's state is confined to the event loop; ``WorkerStateMachine`` decides. State that other threads may
/// access is behind a lock.
final class WorkerRelay: @unchecked Sendable {
    struct Handshake {
        let serverPID: Int
        let timeout: TimeAmount
    }

    /// The request behind which a worker is probed when nothing is known of it; one that lives for less than this many
    /// requests is given one at a time.
    private static let trial = 16

    let id: WorkerID
    let eventLoop: any EventLoop
    let loopIndex: Int
    let handshake: Handshake
    /// The socket that the worker connects to; `nil` if its input and output are the relay.
    let listener: RelayListener?
    let events: any WorkerEvents
    /// Names the worker, and its process once that is known.
    var logger: Logger

    struct Process {
        /// The process's id, while it cannot be reused.
        var id: pid_t?
        /// Whether its process group was frozen and must be killed before the id is given up.
        var isCondemned = false
    }

    let process = Mutex(Process())

    /// The pool's requests that the event loop has not taken yet, in the pool's order.
    struct Inbox {
        var requests: [any PoolRequest] = []
        /// Whether the loop has been scheduled to empty the inbox.
        private var isScheduled = false

        /// Whether the caller must schedule the loop: only the first request since it last emptied the inbox must.
        mutating func isToBeScheduled() -> Bool {
            guard !self.isScheduled, !self.requests.isEmpty else {
                return false
            }
            self.isScheduled = true
            return true
        }

        /// - Parameter requests: An empty array, whose memory the inbox takes over.
        mutating func take(_ requests: inout [any PoolRequest]) {
            swap(&self.requests, &requests)
            self.isScheduled = false
        }
    }

    enum Start {
        /// Its handshake is still to come. Can become `failed` or `done`.
        case pending
        /// The worker never became ready, with the reason. Final.
        case failed(String)
        case done
    }

    enum Trial {
        /// Can become `begun`.
        case notBegun
        /// The worker was probed to find out whether those of its command reply. Stays so.
        case begun
    }

    enum Wish {
        /// It is to serve. Can become `end` or `death`.
        case service
        /// It was asked to end, or given up before it was ready; `by` then it is killed. Can become `death`.
        case end(by: NIODeadline?)
        /// It was killed.
        case death(wasAsked: Bool)
    }

    struct Timers: OptionSet {
        let rawValue: UInt8
    }

    /// The known habits of the pool's workers.
    let habits: WorkerHabits
    let inbox = Mutex(Inbox())

    // Confined to the event loop.
    var machine: WorkerStateMachine
    var decoder = FrameDecoder()
    var context: ChannelHandlerContext?
    /// The destination of requests; set before the relay's channel is.
    var input: WorkerInput?
    /// The inbox's previous memory, for reuse.
    var emptied: [any PoolRequest] = []
    /// Frames that wait to be written to the input.
    var outbox = Outbox()
    /// The frame of a probe.
    let probe: ByteBuffer
    /// Answers that are passed to the pool once all received bytes are read.
    var answers: [WorkerAnswer] = []
    /// Tells whether the input was read; `nil` if requests go over a socket.
    var unreadInput: UnreadInput?
    /// Whether a write has closed the socket, possibly with unread answers.
    var isCutShort = false
    /// Succeeds when the process has ended.
    var exit: EventLoopFuture<Void>?
    /// Requests that wait until the worker has sent all frames that it owes, in order.
    var held = CircularBuffer<any PoolRequest>()
    /// The running timers.
    var timers: Timers = []
    /// Whether the relay closes once all output of the worker is read.
    var isFinishing = false
    var handshakeTimer: Scheduled<Void>?
    /// Kills a process that was asked to end.
    var stopTimer: Scheduled<Void>?
    var trial = Trial.notBegun
    /// Bytes received before the relay was a channel; if set, the worker already has the server's pid.
    var greeting: ByteBuffer?
    var strayOutput: StrayOutput?
    var start = Start.pending
    var wish = Wish.service
    /// Whether it has ended, or broken off, with requests that it did not answer.
    var hasFailed = false
    /// Whether reading is paused.
    var isHeld = false
    /// Whether the process had ended before it was killed here.
    var endedByItself = false

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
        self.machine = WorkerStateMachine(trial: habits.isPipelined ? Self.trial : nil)
        self.events = events
        self.logger = logger
        self.logger[metadataKey: "worker.id"] = "\(id)"
        var probe = ByteBuffer()
        probe.writeControlFrame(.pid(handshake.serverPID))
        self.probe = probe
    }
}

// MARK: - The channel

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
            // The input was closed before this channel could be notified.
            self.finishReading()
        }
        self.handshakeTimer = self.eventLoop.scheduleTask(in: self.handshake.timeout) {
            self.handshakeTimedOut()
        }
    }

    private func handshakeTimedOut() {
        guard self.machine.isStarting, self.machine.giveUp() else {
            return
        }
        let limit = self.handshake.timeout.nanoseconds / 1_000_000
        self.start = .failed("no handshake within \(limit) ms (allocate_timeout)")
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

    func channelInactive(context: ChannelHandlerContext) {
        self.handshakeTimer?.cancel()
        // A write may have closed the channel while frames are read or requests are written.
        self.eventLoop.execute { self.ended() }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The channel closes by itself if it cannot continue.
        self.logger.debug("relay error", metadata: ["error": "\(error)"])
    }
}
