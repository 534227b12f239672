import NIOCore
import WorkerPool

/// The life of one connection: CONNECTED, then a DATA for each packet, then exactly one CLOSE (docs/protocol.md).
///
/// No I/O and no clock. After each event ``next()`` is asked for what to do, until it says ``Step/wait``.
struct ConnectionStateMachine {
    private enum State {
        /// Nothing was told to a worker yet. Can become `serving`.
        case accepted
        /// A worker has an event, or it waits for one. Can become `ready` or `closed`.
        case serving(EventKind)
        /// The next packet may go to a worker. Can become `serving` or `closed`.
        case ready
        /// The last event is done. For good.
        case closed
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
        /// The socket is to be closed as soon as what was written is flushed; then ask again.
        case closeSocket(CloseReason)
        /// All events are done.
        case finished
    }

    private let framing: PacketFraming
    private var state = State.accepted
    private var framer = PacketFramer()
    /// Whether a worker may have seen CONNECTED: then it gets a CLOSE.
    private var isKnownToWorkers = true
    private var inputEnded = false
    private var isOpen = true
    private var isWritable = true
    /// Whether the connection is to end.
    private(set) var isDraining = false
    /// Bytes that had come when it was told to end, and are not served yet.
    private var owed = 0
    /// Whether there is no time left for a client to complete a packet, or to read what was written.
    private var mustEnd = false
    private var closeReason: CloseReason?
    private var closedSocket = false

    init(framing: PacketFraming) {
        self.framing = framing
    }

    /// Whether what came stays for now: a worker has an event of this connection, or the client does not read.
    var isHoldingInput: Bool {
        if case .serving = self.state { true } else { !self.isWritable }
    }

    /// Bytes that came and are not part of a submitted packet.
    var buffered: Int {
        self.framer.count
    }

    /// Whether all that came is answered, and no packet has begun.
    var isBetweenPackets: Bool {
        if case .ready = self.state { self.framer.count == 0 && self.closeReason == nil } else { false }
    }

    /// Whether the client's side has ended.
    var hasInputEnded: Bool {
        self.inputEnded
    }

    // MARK: Events

    mutating func received(_ bytes: ByteBuffer) {
        // After the decision to close nobody will see it.
        if self.closeReason == nil {
            self.framer.append(bytes)
        }
    }

    /// The client has sent all it will send.
    mutating func clientEnded() {
        self.inputEnded = true
    }

    /// The socket is closed; nothing can be written any more.
    mutating func socketClosed() {
        self.inputEnded = true
        self.isOpen = false
    }

    mutating func writabilityChanged(_ isWritable: Bool) {
        self.isWritable = isWritable
    }

    /// The connection is to end, between two packets: what has come is served, a packet that has begun when it is
    /// complete. A client that sends without a pause goes on until ``end()``.
    mutating func drain() {
        if !self.isDraining {
            self.isDraining = true
            self.owed = self.framer.count
        }
    }

    /// The connection is to end also when a packet has begun, or the client does not read: what had come before
    /// ``drain()`` is served to who reads, and its CLOSE is delivered.
    mutating func end() {
        self.drain()
        self.mustEnd = true
    }

    /// Lets go of memory that is not needed while the connection rests.
    mutating func compact() {
        self.framer.compact()
    }

    /// The event that was submitted is done.
    ///
    /// - Returns: What is to be written.
    mutating func finished(_ outcome: RequestOutcome) -> ByteBuffer? {
        guard case .serving(let kind) = self.state else {
            return nil
        }
        guard kind != .close else {
            self.state = .closed
            return nil
        }
        self.state = .ready
        switch outcome {
        case .failed(let failure):
            if kind == .connected {
                self.isKnownToWorkers = failure.reachedWorker
            }
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
            return action.writes && self.isOpen && body.readableBytes > 0 ? body : nil
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

    private mutating func close(_ reason: CloseReason) {
        self.closeReason = self.closeReason ?? reason
        self.framer.removeAll()
    }

    // MARK: What to do

    mutating func next() -> Step {
        switch self.state {
        case .accepted:
            self.state = .serving(.connected)
            return .submit(.connected, ByteBuffer())
        case .serving:
            return .wait
        case .ready:
            return self.nextWhenReady()
        case .closed:
            return .finished
        }
    }

    private mutating func nextWhenReady() -> Step {
        // What has begun meanwhile is completed, too, unless there is no time left.
        if self.isDraining, self.owed <= 0, self.framer.count == 0 || self.mustEnd, !self.inputEnded {
            self.close(.draining)
        }
        if self.closeReason == nil, self.isOpen, !self.isWritable {
            // The client does not read its answers: it gets no more of them before it does.
            guard self.mustEnd else {
                return .wait
            }
            self.close(.draining)
        }
        if self.closeReason == nil {
            switch self.framer.next(self.framing) {
            case .packet(let packet):
                self.owed &-= packet.readableBytes
                self.state = .serving(.data)
                return .submit(.data, packet)
            case .tooLarge:
                self.close(.packetTooLarge)
            case .none:
                if self.inputEnded, let rest = self.framer.takeRest() {
                    self.state = .serving(.data)
                    return .submit(.data, rest)
                }
                if self.inputEnded {
                    self.close(.client)
                } else if self.mustEnd {
                    self.close(.draining)
                }
            }
        }
        guard let closeReason else {
            return .wait
        }
        if !self.closedSocket {
            self.closedSocket = true
            return .closeSocket(closeReason)
        }
        guard self.isKnownToWorkers else {
            self.state = .closed
            return .finished
        }
        self.state = .serving(.close)
        return .submit(.close, ByteBuffer())
    }
}
