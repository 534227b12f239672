import NIOCore
import WorkerPool

/// The rules that all connections of a listener share. A class, so that each state machine holds only a reference.
final class SessionRules: Sendable {
    let framing: PacketFraming
    /// The most bytes read at once. Reading pauses at as many buffered ones while a worker has an event, or while the
    /// client does not read its answers.
    let readBufferSize: Int

    /// 256 KiB: what a pause costs is nothing beside the time that so many bytes take, and a client that never reads
    /// costs no more.
    private static let mostHeld = 256 * 1024

    init(framing: PacketFraming, readBufferSize: Int) {
        self.framing = framing
        self.readBufferSize = min(readBufferSize, Self.mostHeld)
    }
}

/// The life of one connection: CONNECTED, then a DATA for each packet, then exactly one CLOSE (docs/protocol.md).
///
/// This machine decides the session with the workers, ``SocketStateMachine`` the end of the socket: a CLOSE is handled
/// while the client reads its last answer. No I/O and no clock. After each event the caller performs the steps of
/// ``next()`` until it returns ``Step/wait``.
struct ConnectionStateMachine {
    enum State {
        /// No worker has heard of the connection yet. Can become `connecting`.
        case preface
        /// CONNECTED is handled, or waits for a worker. Can become `ready` or `closing`.
        case connecting
        /// The next packet may go to a worker. Can become `serving` or `closing`.
        case ready
        /// As `ready`, and a look has found a packet that has begun. Can become `serving` or `closing`.
        case gathering
        /// A packet is handled, or waits for a worker. Can become `ready`, `startingTLS` or `closing`.
        case serving
        /// The client must be handed over to the edge next. Can become `securing` or `closing`.
        case startingTLS
        /// The edge does the handshake of TLS. Can become `ready` or `closing`.
        case securing
        /// The socket must be closed next. Can become `leaving` or `ended`.
        case closing(CloseReason, Farewell)
        /// CLOSE must be submitted next. Can become `parting`.
        case leaving
        /// CLOSE is handled, or waits for a worker. Can become `ended`.
        case parting
        /// All events are done; the caller has not been told yet. Can become `over`.
        case ended
        /// All events are done and the caller knows. Final.
        case over
    }

    /// How workers learn of the connection's end.
    enum Farewell {
        case closeEvent
        /// No worker has ever heard of the connection.
        case silence
    }

    enum Step: Hashable {
        /// Nothing to do before something else happens.
        case wait
        /// An event for a worker, with its packet.
        case submit(EventKind, ByteBuffer)
        /// This many received bytes belonged to no packet.
        case skipped(Int)
        /// An answer had parameters that have no effect, for this reason.
        case reportAnswer(String)
        /// The client's next bytes are a handshake: call ``secured()`` after it.
        case startTLS
        /// Close the socket with ``closeSocket(unwritten:isSettled:)``, then call ``next()`` again.
        case closeSocket(CloseReason)
        /// All events are done; returned once.
        case finished
    }

    private let rules: SessionRules
    var state = State.preface
    var socket = SocketStateMachine()
    private(set) var ending = SocketStateMachine.Ending.ordinary
    private var term = ConnectionTerm.unlimited
    private var packets = PacketSource()
    /// What is wrong with the parameters of the last answer, until that is told.
    private var answerFault: String?
    /// Whether a worker may encrypt the connection: the edge says so.
    var mayStartTLS = false
    /// Consecutive idle checks that found the connection between packets; 0 after bytes have come. -1: nothing has come
    /// since ``look()``.
    var idleChecks = 0

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
        case .preface, .connecting, .ready, .gathering, .serving, .startingTLS, .securing, .closing, .leaving, .parting:
            false
        }
    }

    /// Whether the connection has been told to end.
    var isDraining: Bool {
        self.term.isLimited
    }

    /// Received bytes that are not part of a submitted packet.
    var buffered: Int {
        self.packets.count
    }

    /// Whether all received packets are answered, and no packet has begun.
    private var isBetweenPackets: Bool {
        switch self.state {
        case .ready, .gathering: self.buffered == 0
        case .preface, .connecting, .serving, .startingTLS, .securing, .closing, .leaving, .parting, .ended, .over:
            false
        }
    }

    // MARK: Reading

    /// Called before the channel reads. If it must not read yet, ``releaseRead()`` returns `true` once it may.
    mutating func mayRead() -> Bool {
        let mayRead = self.hasRoom(for: self.rules.readBufferSize)
        if !mayRead {
            self.socket.holdRead()
        }
        return mayRead
    }

    /// - Returns: Whether the caller must now perform a read that was held.
    mutating func releaseRead() -> Bool {
        // Wait until half of the buffer is taken: new bytes are copied together with those already buffered.
        guard self.socket.isReadHeld, self.hasRoom(for: self.rules.readBufferSize / 2) else {
            return false
        }
        self.socket.releaseRead()
        return true
    }

    /// Beyond one read buffer a client waits until a worker has taken its bytes, or until it reads its answers.
    private func hasRoom(for bytes: Int) -> Bool {
        guard self.packets.count >= max(1, bytes) else {
            return true
        }
        switch self.state {
        case .connecting, .serving, .parting: return false
        case .preface, .ready, .gathering, .startingTLS, .securing, .closing, .leaving, .ended, .over:
            return !self.socket.isBehind
        }
    }

    // MARK: Events

    mutating func received(_ bytes: ByteBuffer) {
        self.idleChecks = 0
        switch self.state {
        case .preface, .connecting, .ready, .gathering, .serving: self.packets.append(bytes)
        // The edge has taken over: what came in clear is never taken for what was encrypted.
        case .startingTLS, .securing: break
        // Once the connection is closing, no worker sees further bytes.
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

    /// Ends the connection between two packets: received bytes are served first, and a packet that has begun is served
    /// once it is complete. A client that sends without a pause goes on until ``end()``.
    mutating func drain() {
        self.term.drain(owed: self.buffered)
    }

    /// Ends the connection even if a packet has begun or the client does not read. A client that reads still gets
    /// answers to the bytes received before ``drain()``, and CLOSE is delivered.
    mutating func end() {
        self.term.end(owed: self.buffered)
    }

    /// Drains once this check and the `checks` before it found the connection between packets and nothing was received.
    mutating func checkIdle(after checks: Int) {
        guard self.isBetweenPackets else {
            self.idleChecks = 0
            return
        }
        self.idleChecks = max(0, self.idleChecks) + 1
        if self.idleChecks > checks {
            self.drain()
        }
    }

    /// Frees memory that an idle connection does not need.
    mutating func compact() {
        self.packets.compact()
    }

    /// The event that was submitted is done.
    ///
    /// - Parameter packet: The body of the event.
    /// - Returns: The bytes to write, if any.
    mutating func finished(_ outcome: RequestOutcome, of packet: ByteBuffer = ByteBuffer()) -> ByteBuffer? {
        switch self.state {
        case .connecting:
            if case .failed(let failure) = outcome, !failure.reachedWorker {
                self.close(.eventFailed(failure), .silence)
                return nil
            }
            return self.answered(outcome, packet)
        case .serving:
            return self.answered(outcome, packet)
        case .parting:
            self.state = .ended
            return nil
        case .preface, .ready, .gathering, .startingTLS, .securing, .closing, .leaving, .ended, .over:
            return nil
        }
    }

    /// The connection is encrypted.
    ///
    /// - Returns: Whether it goes on.
    mutating func secured() -> Bool {
        guard case .securing = self.state else {
            return false
        }
        self.state = .ready
        return true
    }

    /// Bytes that came in clear behind the command could have been slipped in by anybody on the way (CVE-2011-0411).
    private mutating func startTLS() {
        if !self.mayStartTLS {
            self.close(.noTLS)
        } else if self.socket.hasInputEnded {
            self.close(.client)
        } else if self.packets.count > 0 {
            self.close(.injection(self.packets.count))
        } else {
            self.mayStartTLS = false
            self.state = .startingTLS
        }
    }

    private mutating func answered(_ outcome: RequestOutcome, _ packet: ByteBuffer) -> ByteBuffer? {
        self.state = .ready
        switch outcome {
        case .failed(let failure):
            self.close(.eventFailed(failure))
            return nil
        case .answered(.error(let message)):
            self.close(.workerError(Self.text(message)))
            return nil
        case .answered(.missing):
            // Treated as CONTINUE: the worker did not ask to close the connection.
            return nil
        case .answered(.reply(let context, let body)):
            var action = AnswerAction(context: context)
            if action == .close, let parameters = AnswerParameters(context: context) {
                action = parameters.action
                self.obey(parameters, packet)
            }
            if !action.keepsReading {
                self.close(action == .writeAndClose ? .writeClose : .worker)
            } else if action == .startTLS {
                self.startTLS()
                guard case .startingTLS = self.state else { return nil }
            }
            return action.writes && self.socket.isOpen && body.readableBytes > 0 ? body : nil
        }
    }

    private mutating func obey(_ parameters: AnswerParameters, _ packet: ByteBuffer) {
        let before = self.packets.count
        self.answerFault = self.packets.obey(parameters, after: packet, self.rules.framing)
        self.term.owe(self.packets.count - before)
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

    mutating func close(_ reason: CloseReason, _ farewell: Farewell = .closeEvent) {
        self.state = .closing(reason, farewell)
        self.ending = reason == .draining ? .draining : .ordinary
        self.packets.removeAll()
    }

    // MARK: Steps

    mutating func next() -> Step {
        switch self.state {
        case .preface:
            self.state = .connecting
            return .submit(.connected, ByteBuffer())
        case .ready, .gathering:
            if let fault = self.answerFault {
                self.answerFault = nil
                return .reportAnswer(fault)
            }
            return self.nextWhenReady()
        case .startingTLS:
            self.state = .securing
            return .startTLS
        case .securing:
            guard !self.socket.isClosed else { return self.closeNext(.client) }
            return self.term.isEnding ? self.closeNext(.draining) : .wait
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
        if self.term.isLimited, !self.socket.hasInputEnded, self.term.isDue(buffered: self.buffered) {
            return self.closeNext(.draining)
        }
        if self.socket.isBehind {
            // The client does not read its answers: no more are produced until it does.
            // One that has only to wait for its turn is still owed what it sent before the end.
            return self.term.isEnding && self.socket.isUnread ? self.closeNext(.draining) : .wait
        }
        switch self.packets.next(self.rules.framing) {
        case .packet(let packet):
            return self.serve(packet)
        case .skipped(let count):
            self.term.owe(-count)
            return .skipped(count)
        case .tooLarge:
            return self.closeNext(.packetTooLarge(self.packets.evidence()))
        case .malformed:
            return self.closeNext(.malformedPacket(self.packets.evidence()))
        case .incomplete:
            if self.socket.hasInputEnded {
                return self.nextAtTheEnd()
            }
            return self.term.isEnding ? self.closeNext(.draining) : .wait
        }
    }

    private mutating func nextAtTheEnd() -> Step {
        switch self.packets.takeRest(self.rules.framing) {
        case .nothing: self.closeNext(.client)
        case .packet(let packet): self.serve(packet)
        case .truncated(let evidence): self.closeNext(.truncatedPacket(evidence))
        }
    }

    private mutating func serve(_ packet: ByteBuffer) -> Step {
        self.term.owe(-packet.readableBytes)
        self.state = .serving
        return .submit(.data, packet)
    }

    private mutating func closeNext(_ reason: CloseReason) -> Step {
        self.close(reason)
        return self.next()
    }
}
