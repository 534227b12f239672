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

    /// The request behind which a worker is probed when nothing is known of it; one that lives for less than this many
    /// requests is given one at a time.
    private static let trial = 16

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

    struct Inbox {
        var requests: [any PoolRequest] = []
        /// Whether the event loop will look.
        var isExpected = false
    }

    /// What the pool's workers are known for.
    let habits: WorkerHabits
    /// Requests that the pool has given and that were not looked at yet, in order.
    let inbox = Mutex(Inbox())
    /// The memory that was the inbox's before it was emptied.
    var emptied: [any PoolRequest] = []

    // Confined to the event loop.
    var machine: WorkerStateMachine
    var decoder = FrameDecoder()
    var context: ChannelHandlerContext?
    /// Where requests are written; there before the relay's channel is.
    var input: WorkerInput?
    /// Frames that are to be written there.
    var outbox = Outbox()
    /// The frame of a probe.
    let probe: ByteBuffer
    /// Answers that the pool is told when all is read that has come.
    var answers: [WorkerAnswer] = []
    /// Tells of the input whether it was read; `nil` when requests go over a socket.
    var unreadInput: UnreadInput?
    /// Whether a write has closed the socket, with answers perhaps that were not read.
    var isCutShort = false
    /// Done when the process has ended.
    var exit: EventLoopFuture<Void>?
    /// Requests that wait until the worker has said all that it owes, in order.
    var held = CircularBuffer<any PoolRequest>()
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
            // It was closed before this channel was there to be told.
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

    func channelInactive(context: ChannelHandlerContext) {
        self.handshakeTimer?.cancel()
        // A write may have closed it while frames are read or requests are written.
        self.eventLoop.execute { self.ended() }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The channel closes by itself when it cannot go on.
        self.logger.debug("relay error", metadata: ["error": "\(error)"])
    }
}
