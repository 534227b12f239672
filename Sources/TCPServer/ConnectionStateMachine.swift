import NIOCore
import WorkerPool

/// What the connections of a listener have in common for their machines: a class, so that it costs each a word.
final class SessionRules: Sendable {
    let framing: PacketFraming
    /// Nothing is read past so many bytes while a worker has an event.
    let readBufferSize: Int

    init(framing: PacketFraming, readBufferSize: Int) {
        self.framing = framing
        self.readBufferSize = readBufferSize
    }
}

/// The life of one connection: CONNECTED, then a DATA for each packet, then exactly one CLOSE (docs/protocol.md).
///
/// The session with the workers is decided here, the end of the socket by ``SocketStateMachine``: a CLOSE is handled
/// while the client reads its last answer. No I/O and no clock. After each event ``next()`` is asked for what to do, until
/// it says ``Step/wait``.
struct ConnectionStateMachine {
    private enum State {
        /// Nothing was told to a worker yet. Can become `connecting`.
        case preface
        /// CONNECTED is handled, or waits for a worker. Can become `ready` or `closing`.
        case connecting
        /// The next packet may go to a worker. Can become `serving` or `closing`.
        case ready
        /// A packet is handled, or waits for a worker. Can become `ready` or `closing`.
        case serving
        /// The socket is to be closed first. Can become `leaving` or `ended`.
        case closing(CloseReason, Farewell)
        /// CLOSE is to be handled next. Can become `parting`.
        case leaving
        /// CLOSE is handled, or waits for a worker. Can become `ended`.
        case parting
        /// All events are done, which is to be told. Can become `over`.
        case ended
        /// For good.
        case over
    }

    /// What workers are told of the end.
    private enum Farewell {
        case closeEvent
        /// No worker has ever heard of the connection.
        case silence
    }

    /// How long the connection goes on.
    private enum Term {
        case unlimited
        /// It ends between two packets. So many bytes had come when it was told to, and are not served yet.
        case draining(owed: Int)
        /// There is no time left for a client to complete a packet, or to read what was written.
        case ending(owed: Int)
    }

    /// Why a connection was closed.
    enum CloseReason: Hashable {
        /// The client ended its side.
        case client
        /// A worker answered `CLOSE`, or something unknown.
        case worker
        /// A worker answered `WRITECLOSE`.
        case writeClose
        /// A worker answered with an error frame.
        case workerError(String)
        case eventFailed(RequestFailure)
        case packetTooLarge
        case draining
    }

    enum Step: Hashable {
        /// Nothing to do before something else happens.
        case wait
        /// An event for a worker, with its packet.
        case submit(EventKind, ByteBuffer)
        /// The socket is to be closed, see ``closeSocket(unwritten:isSettled:)``; then ask again.
        case closeSocket(CloseReason)
        /// All events are done; said once.
        case finished
    }

    private let rules: SessionRules
    private var state = State.preface
    private var socket = SocketStateMachine()
    private var ending = SocketStateMachine.Ending.ordinary
    private var term = Term.unlimited
    private var framer = PacketFramer()
    /// Consecutive idle checks that found the connection between packets.
    private var idleChecks = 0

    init(_ rules: SessionRules) {
        self.rules = rules
    }

    /// Whether a worker may have heard of the connection.
    var hasBegun: Bool {
        if case .preface = self.state { false } else { true }
    }

    /// Whether all events are done.
    var isOver: Bool {
        switch self.state {
        case .ended, .over: true
        case .preface, .connecting, .ready, .serving, .closing, .leaving, .parting: false
        }
    }

    /// Whether the connection is to end.
    var isDraining: Bool {
        switch self.term {
        case .unlimited: false
        case .draining, .ending: true
        }
    }

    /// Bytes that came and are not part of a submitted packet.
    var buffered: Int {
        self.framer.count
    }

    /// Whether all that came is answered, and no packet has begun.
    private var isBetweenPackets: Bool {
        if case .ready = self.state { self.framer.count == 0 } else { false }
    }

    // MARK: Reading

    /// The channel asks whether to read; when it may not yet, ``releaseRead()`` says when.
    mutating func mayRead() -> Bool {
        let mayRead = self.hasRoom(for: self.rules.readBufferSize)
        if !mayRead {
            self.socket.holdRead()
        }
        return mayRead
    }

    /// - Returns: Whether a read that was held is to be done now.
    mutating func releaseRead() -> Bool {
        // Not before half of it is taken: what comes is copied together with what is there.
        guard self.socket.isReadHeld, self.hasRoom(for: self.rules.readBufferSize / 2) else {
            return false
        }
        self.socket.releaseRead()
        return true
    }

    /// Beyond one read buffer a client waits until a worker has taken what came, or until it reads its answers.
    private func hasRoom(for bytes: Int) -> Bool {
        guard self.framer.count >= max(1, bytes) else {
            return true
        }
        switch self.state {
        case .connecting, .serving, .parting: return false
        case .preface, .ready, .closing, .leaving, .ended, .over: return !self.socket.isBehind
        }
    }

    // MARK: Events

    mutating func received(_ bytes: ByteBuffer) {
        self.idleChecks = 0
        switch self.state {
        case .preface, .connecting, .ready, .serving: self.framer.append(bytes)
        // After the decision to close no worker will see it.
        case .closing, .leaving, .parting, .ended, .over: break
        }
    }

    /// The client has sent all it will send.
    mutating func clientEnded() -> SocketStateMachine.Action {
        self.socket.inputEnded()
    }

    /// The socket is closed; nothing can be written any more.
    mutating func socketClosed() {
        self.socket.closed()
    }

    mutating func writabilityChanged(_ isWritable: Bool) {
        self.socket.writabilityChanged(isWritable)
    }

    /// The connection is to end, between two packets: what has come is served, a packet that has begun when it is
    /// complete. A client that sends without a pause goes on until ``end()``.
    mutating func drain() {
        if case .unlimited = self.term {
            self.term = .draining(owed: self.framer.count)
        }
    }

    /// The connection is to end also when a packet has begun, or the client does not read: what had come before
    /// ``drain()`` is served to a client that reads, and its CLOSE is delivered.
    mutating func end() {
        switch self.term {
        case .unlimited: self.term = .ending(owed: self.framer.count)
        case .draining(let owed): self.term = .ending(owed: owed)
        case .ending: break
        }
    }

    /// Drains when this check and so many before it found the connection between two packets, and nothing came.
    mutating func checkIdle(after checks: Int) {
        guard self.isBetweenPackets else {
            self.idleChecks = 0
            return
        }
        self.idleChecks += 1
        if self.idleChecks > checks {
            self.drain()
        }
    }

    /// Lets go of memory that is not needed while the connection rests.
    mutating func compact() {
        self.framer.compact()
    }

    /// The event that was submitted is done.
    ///
    /// - Returns: What is to be written.
    mutating func finished(_ outcome: RequestOutcome) -> ByteBuffer? {
        switch self.state {
        case .connecting:
            if case .failed(let failure) = outcome, !failure.reachedWorker {
                self.close(.eventFailed(failure), .silence)
                return nil
            }
            return self.answered(outcome)
        case .serving:
            return self.answered(outcome)
        case .parting:
            self.state = .ended
            return nil
        case .preface, .ready, .closing, .leaving, .ended, .over:
            return nil
        }
    }

    private mutating func answered(_ outcome: RequestOutcome) -> ByteBuffer? {
        self.state = .ready
        switch outcome {
        case .failed(let failure):
            self.close(.eventFailed(failure))
            return nil
        case .answered(.error(let message)):
            self.close(.workerError(Self.text(message)))
            return nil
        case .answered(.missing):
            // As CONTINUE: nothing was said against the connection.
            return nil
        case .answered(.reply(let context, let body)):
            let action = AnswerAction(context: context)
            if !action.keepsReading {
                self.close(action == .writeAndClose ? .writeClose : .worker)
            }
            return action.writes && self.socket.isOpen && body.readableBytes > 0 ? body : nil
        }
    }

    /// The most bytes of a worker's error message that are kept for the log.
    private static let longestMessage = 16 * 1024

    private static func text(_ message: ByteBuffer) -> String {
        guard message.readableBytes > self.longestMessage else {
            return String(buffer: message)
        }
        let start = message.getSlice(at: message.readerIndex, length: self.longestMessage) ?? ByteBuffer()
        return "\(String(buffer: start))... (\(message.readableBytes) bytes)"
    }

    private mutating func close(_ reason: CloseReason, _ farewell: Farewell = .closeEvent) {
        self.state = .closing(reason, farewell)
        self.ending = reason == .draining ? .draining : .ordinary
        self.framer.removeAll()
    }

    // MARK: The end of the socket

    /// What ``Step/closeSocket(_:)`` asks for; parameters as of ``SocketStateMachine``.
    mutating func closeSocket(unwritten: Int, isSettled: () -> Bool) -> SocketStateMachine.Action {
        self.socket.close(self.ending, unwritten: unwritten, isSettled: isSettled)
    }

    mutating func flushed(isSettled: () -> Bool) -> SocketStateMachine.Action {
        self.socket.flushed(isSettled: isSettled)
    }

    mutating func checkFlush(unwritten: Int) -> SocketStateMachine.Action {
        self.socket.checkFlush(unwritten: unwritten)
    }

    mutating func checkLinger(untaken: Int) -> SocketStateMachine.Action {
        self.socket.checkLinger(untaken: untaken)
    }

    // MARK: What to do

    mutating func next() -> Step {
        switch self.state {
        case .preface:
            self.state = .connecting
            return .submit(.connected, ByteBuffer())
        case .ready:
            return self.nextWhenReady()
        case .closing(let reason, .closeEvent):
            self.state = .leaving
            return .closeSocket(reason)
        case .closing(let reason, .silence):
            self.state = .ended
            return .closeSocket(reason)
        case .leaving:
            self.state = .parting
            return .submit(.close, ByteBuffer())
        case .ended:
            self.state = .over
            return .finished
        case .connecting, .serving, .parting, .over:
            return .wait
        }
    }

    private mutating func nextWhenReady() -> Step {
        if self.isDue {
            return self.closeNext(.draining)
        }
        if self.socket.isBehind {
            // The client does not read its answers: it gets no more of them before it does.
            if case .ending = self.term {
                return self.closeNext(.draining)
            }
            return .wait
        }
        switch self.framer.next(self.rules.framing) {
        case .packet(let packet):
            return self.serve(packet)
        case .tooLarge:
            return self.closeNext(.packetTooLarge)
        case .incomplete:
            if self.socket.hasInputEnded {
                return self.framer.takeRest().map { self.serve($0) } ?? self.closeNext(.client)
            }
            if case .ending = self.term {
                return self.closeNext(.draining)
            }
            return .wait
        }
    }

    /// Whether the connection has served all it owes. What has begun meanwhile is completed, too, unless there is no time
    /// left; a client that has ended its side is served to its end.
    private var isDue: Bool {
        switch self.term {
        case .unlimited: false
        case .draining(let owed): owed <= 0 && self.framer.count == 0 && !self.socket.hasInputEnded
        case .ending(let owed): owed <= 0 && !self.socket.hasInputEnded
        }
    }

    private mutating func serve(_ packet: ByteBuffer) -> Step {
        switch self.term {
        case .unlimited: break
        case .draining(let owed): self.term = .draining(owed: owed - packet.readableBytes)
        case .ending(let owed): self.term = .ending(owed: owed - packet.readableBytes)
        }
        self.state = .serving
        return .submit(.data, packet)
    }

    private mutating func closeNext(_ reason: CloseReason) -> Step {
        self.close(reason)
        return self.next()
    }
}
