import NIOCore
import TestSupport
import Testing
import WorkerPool

@testable import TCPServer

/// Long random lives of a connection; a failure names its seed, which repeats it.
@Suite struct ConnectionRandomWalkTests {
    @Test(arguments: [UInt64(1), 2, 3, .random(in: 1000...(.max))])
    func lives(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for number in 0..<3000 {
            var life = ConnectionLife(random: SeededGenerator(seed: random.next()))
            let violation = life.run()
            #expect(violation == nil, "seed \(seed), life \(number)")
            guard violation == nil else {
                return
            }
        }
    }
}

/// One connection from its beginning to its end, as seen by a worker and a client.
private struct ConnectionLife {
    private var random: SeededGenerator
    private var machine: ConnectionStateMachine
    private let framing: PacketFraming

    private var sent: [UInt8] = []
    private var delivered: [UInt8] = []
    private var events: [EventKind] = []
    private var current: EventKind?
    private var socket = SocketModel()
    private var closedSockets = 0
    private var isFinished = false
    private var reachedWorker = true
    private var inputEnded = false
    private var isOpen = true
    private var isWritable = true
    /// Whether something else than the client's end may have closed it: then the rest of what it sent is dropped.
    private var mayDrop = false
    /// Whether it was told that there is no time left.
    private var mustEnd = false

    init(random: SeededGenerator) {
        self.random = random
        self.framing = PacketFraming(
            mode: Bool.random(using: &self.random) ? .merge : .split,
            delimiter: Array("ab".utf8.prefix(Int.random(in: 1...2, using: &self.random))),
            maximumPacketSize: Int.random(in: 6...60, using: &self.random)
        )
        self.machine = ConnectionStateMachine(SessionRules(framing: self.framing, readBufferSize: 20))
    }

    /// - Returns: The rule that was broken.
    mutating func run() -> String? {
        for _ in 0..<Int.random(in: 0...60, using: &self.random) {
            if let violation = self.step() ?? self.settle() {
                return violation
            }
        }
        // The end comes to every connection: from the server when there is no time left, or from the client.
        if Bool.random(using: &self.random) {
            self.mayDrop = true
            self.mustEnd = true
            self.machine.end()
            if let violation = self.settle() ?? self.endSocket() {
                return violation
            }
        } else {
            self.socketCloses()
        }
        for _ in 0..<2000 where !self.isFinished {
            if let violation = self.settle() {
                return violation
            }
            self.finish()
        }
        return self.settle() ?? self.epilogue()
    }

    /// The client's socket closes.
    private mutating func socketCloses() {
        self.inputEnded = true
        self.isOpen = false
        self.socket.isClosed = true
        self.machine.socketClosed()
    }

    /// A client that takes nothing any more cannot hold the socket open.
    private mutating func endSocket() -> String? {
        // 30 s of checks, 100 ms apart.
        for _ in 0..<1000 where !self.socket.isClosed {
            self.finish()
            if let violation = self.settle() ?? self.check() {
                return violation
            }
        }
        return self.socket.isClosed ? nil : "the socket never closes"
    }

    private mutating func step() -> String? {
        switch Int.random(in: 0..<24, using: &self.random) {
        case 0..<8 where !self.inputEnded:
            let bytes = (0..<Int.random(in: 1...12, using: &self.random)).map { _ in
                UInt8.random(in: 0x61...0x64, using: &self.random)
            }
            self.sent += bytes
            self.machine.received(ByteBuffer(bytes: bytes))
        case 8 where Bool.random(using: &self.random):
            return self.clientEnds()
        case 9 where Int.random(in: 0..<4, using: &self.random) == 0:
            self.socketCloses()
        case 10, 11:
            self.isWritable.toggle()
            self.machine.writabilityChanged(self.isWritable)
        case 12 where Int.random(in: 0..<4, using: &self.random) == 0:
            self.mayDrop = true
            if Bool.random(using: &self.random) {
                self.machine.drain()
            } else {
                self.mustEnd = true
                self.machine.end()
            }
        case 13:
            self.machine.compact()
        case 20, 21:
            self.socket.take(&self.random)
            return self.flushed()
        case 22, 23:
            return self.check()
        default:
            self.finish()
        }
        return nil
    }

    private mutating func clientEnds() -> String? {
        self.inputEnded = true
        self.socket.hasInputEnded = true
        return self.run(self.machine.clientEnded())
    }

    /// The system has been given all that was to be flushed.
    private mutating func flushed() -> String? {
        guard self.socket.isFlushing, self.socket.unwritten == 0, !self.socket.isClosed else {
            return nil
        }
        self.socket.isFlushing = false
        let isSettled = self.socket.isSettled
        return self.run(self.machine.flushed { isSettled })
    }

    /// The time of a check has come.
    private mutating func check() -> String? {
        guard let check = self.socket.nextCheck(&self.random), !self.socket.isClosed else {
            return nil
        }
        let action: SocketStateMachine.Action
        switch check {
        case .flush: action = self.machine.checkFlush(unwritten: self.socket.unwritten)
        case .linger: action = self.machine.checkLinger(untaken: self.socket.untaken)
        }
        return self.run(action)
    }

    private mutating func run(_ action: SocketStateMachine.Action) -> String? {
        let violation = self.socket.run(action)
        if self.socket.isClosed, self.isOpen {
            self.socketCloses()
        }
        return violation
    }

    /// The worker's answer to the event that it has.
    private mutating func finish() {
        guard let kind = self.current else {
            return
        }
        self.current = nil
        let body = ByteBuffer(string: "answer")
        let context: String
        switch Int.random(in: 0..<40, using: &self.random) {
        case 0: context = "CLOSE"
        case 1: context = "WRITECLOSE"
        case 2: context = "?"
        case 3:
            self.mayDrop = true
            let failure =
                [RequestFailure.noFreeWorkers, .poolClosing, .gone].randomElement(using: &self.random) ?? .gone
            self.reachedWorker = self.reachedWorker && (kind != .connected || failure.reachedWorker)
            _ = self.machine.finished(.failed(failure))
            return
        case 4:
            self.mayDrop = true
            _ = self.machine.finished(.answered(.error(message: body)))
            return
        case 5..<20: context = "CONTINUE"
        default: context = "WRITE"
        }
        self.mayDrop = self.mayDrop || !["WRITE", "CONTINUE"].contains(context)
        if self.machine.finished(.answered(.reply(context: ByteBuffer(string: context), body: body))) != nil {
            self.socket.unwritten += body.readableBytes
        }
    }

    /// Performs the machine's steps until it waits.
    private mutating func settle() -> String? {
        for _ in 0..<1000 {
            let buffered = self.machine.buffered
            switch self.machine.next() {
            case .wait:
                let hasNothing = self.current == nil && !self.isOpen && !self.isFinished
                return hasNothing ? "it waits for nothing" : nil
            case .finished:
                self.isFinished = true
                return nil
            case .closeSocket(let reason):
                self.closedSockets += 1
                if reason == .draining, buffered > 0, !self.mustEnd {
                    return "it is closed in the middle of a packet"
                }
                if case .packetTooLarge = reason {
                    self.mayDrop = true
                }
                if self.events.last == .close || self.current != nil {
                    return "the socket is closed at the wrong time"
                }
                self.socket.isDraining = reason == .draining
                let (unwritten, isSettled) = (self.socket.unwritten, self.socket.isSettled)
                let action = self.machine.closeSocket(unwritten: unwritten) { isSettled }
                if self.isOpen, let violation = self.run(action) {
                    return violation
                }
            case .skipped, .reportAnswer, .startTLS:
                return "no rule skips bytes, and no answer has parameters or starts TLS"
            case .submit(let kind, let body):
                if let violation = self.submitted(kind, body) {
                    return violation
                }
            }
        }
        return "it never rests"
    }

    private mutating func submitted(_ kind: EventKind, _ body: ByteBuffer) -> String? {
        guard self.current == nil else {
            return "two events at once"
        }
        guard self.events.last != .close, !self.isFinished else {
            return "\(kind) after CLOSE"
        }
        guard (kind == .connected) == self.events.isEmpty else {
            return "\(kind) is event \(self.events.count)"
        }
        if kind == .data {
            guard self.isWritable || !self.isOpen else {
                return "an event for a client that does not read"
            }
            guard body.readableBytes > 0, body.readableBytes <= self.framing.maximumPacketSize else {
                return "a packet of \(body.readableBytes) bytes"
            }
            self.delivered += Array(body.readableBytesView)
        } else if body.readableBytes > 0 {
            return "\(kind) has a body"
        }
        self.events.append(kind)
        self.current = kind
        return self.sent.starts(with: self.delivered) ? nil : "bytes are lost or out of order"
    }

    private mutating func epilogue() -> String? {
        guard self.isFinished else {
            return "it never ends"
        }
        guard self.closedSockets == 1 else {
            return "the socket was closed \(self.closedSockets) times"
        }
        guard self.events.count(where: { $0 == .close }) == (self.reachedWorker ? 1 : 0) else {
            return "CLOSE was not delivered as it must be: \(self.events)"
        }
        guard self.mayDrop || self.delivered == self.sent else {
            return "bytes were dropped"
        }
        return nil
    }
}

/// A socket, and a client that takes random amounts.
private struct SocketModel {
    enum Check {
        case flush
        case linger
    }

    /// Bytes that the channel has.
    var unwritten = 0
    /// Bytes that the system has, and the client's has not.
    private var unacknowledged = 0
    var isDraining = false
    var isFlushing = false
    var hasInputEnded = false
    var isClosed = false
    private var hasEndedOutput = false
    private var checks: [Check] = []
    /// Checks in a row that found nothing taken, of the kind that is running.
    private var idleChecks = 0
    private var leftAtCheck = Int.max

    var untaken: Int {
        self.unwritten + self.unacknowledged
    }

    var isSettled: Bool {
        self.untaken == 0
    }

    /// The system takes some of the unwritten bytes, and the client some of the system's.
    mutating func take(_ random: inout SeededGenerator) {
        let written = Int.random(in: 0...self.unwritten, using: &random)
        self.unwritten -= written
        self.unacknowledged += written
        self.unacknowledged -= Int.random(in: 0...self.unacknowledged, using: &random)
    }

    /// - Returns: A check whose time has come, if there is one.
    mutating func nextCheck(_ random: inout SeededGenerator) -> Check? {
        guard !self.checks.isEmpty else {
            return nil
        }
        let check = self.checks.remove(at: Int.random(in: self.checks.indices, using: &random))
        // A check of the flush means nothing when it is over.
        guard check == (self.hasEndedOutput ? .linger : .flush) else {
            return check
        }
        let left = check == .flush ? self.unwritten : self.untaken
        self.idleChecks = left < self.leftAtCheck ? 0 : self.idleChecks + 1
        self.leftAtCheck = left
        return check
    }

    mutating func run(_ action: SocketStateMachine.Action) -> String? {
        guard action == .nothing || !self.isClosed else {
            return "\(action) although the socket is closed"
        }
        switch action {
        case .nothing:
            break
        case .flush(let time):
            guard self.unwritten > 0, !self.isFlushing, time == .seconds(30) else {
                return "a flush of nothing, or twice"
            }
            self.isFlushing = true
            self.leftAtCheck = self.unwritten
            self.checks.append(.flush)
        case .checkFlush:
            guard self.isFlushing, self.unwritten > 0 else {
                return "a check of a flush that is over"
            }
            self.checks.append(.flush)
        case .endOutput(let time):
            guard !self.hasEndedOutput, self.unwritten == 0, !self.hasInputEnded else {
                return "the client is told of the end twice, or too early, or in vain"
            }
            guard !self.isDraining || !self.isSettled, time == (self.isDraining ? .milliseconds(100) : .seconds(2))
            else {
                return "a client that has all is waited for"
            }
            self.hasEndedOutput = true
            self.leftAtCheck = .max
            self.idleChecks = 0
            self.checks.append(.linger)
        case .checkLinger:
            guard self.hasEndedOutput, self.untaken > 0 else {
                return "a client that has all is waited for"
            }
            self.checks.append(.linger)
        case .close:
            guard self.unwritten == 0, self.hasInputEnded || self.isSettled else {
                return "it is closed although the client has not taken all"
            }
            self.isClosed = true
        case .giveUp:
            let patience = self.hasEndedOutput ? (self.isDraining ? 300 : 15) : 1
            guard self.untaken > 0, self.idleChecks >= patience else {
                return "a client that reads is given up"
            }
            self.isClosed = true
        }
        return nil
    }
}
