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

/// One connection from its beginning to its end, with what a worker and a client have seen of it.
private struct ConnectionLife {
    private var random: SeededGenerator
    private var machine: ConnectionStateMachine
    private let framing: PacketFraming

    private var sent: [UInt8] = []
    private var delivered: [UInt8] = []
    private var events: [EventKind] = []
    private var current: EventKind?
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
        self.machine = ConnectionStateMachine(framing: self.framing)
    }

    /// - Returns: The rule that was broken.
    mutating func run() -> String? {
        for _ in 0..<Int.random(in: 0...60, using: &self.random) {
            self.step()
            if let violation = self.settle() {
                return violation
            }
        }
        // The end comes to every connection.
        self.inputEnded = true
        self.isOpen = false
        self.machine.socketClosed()
        for _ in 0..<2000 where !self.isFinished {
            if let violation = self.settle() {
                return violation
            }
            self.finish()
        }
        return self.settle() ?? self.epilogue()
    }

    private mutating func step() {
        switch Int.random(in: 0..<20, using: &self.random) {
        case 0..<8 where !self.inputEnded:
            let bytes = (0..<Int.random(in: 1...12, using: &self.random)).map { _ in
                UInt8.random(in: 0x61...0x64, using: &self.random)
            }
            self.sent += bytes
            self.machine.received(ByteBuffer(bytes: bytes))
        case 8 where Bool.random(using: &self.random):
            self.inputEnded = true
            self.machine.clientEnded()
        case 9 where Int.random(in: 0..<4, using: &self.random) == 0:
            self.inputEnded = true
            self.isOpen = false
            self.machine.socketClosed()
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
        default:
            self.finish()
        }
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
        _ = self.machine.finished(.answered(.reply(context: ByteBuffer(string: context), body: body)))
    }

    /// Does what the machine says until it waits.
    private mutating func settle() -> String? {
        for _ in 0..<1000 {
            let buffered = self.machine.buffered
            switch self.machine.next() {
            case .wait:
                return self.current == nil && self.isOpen == false ? "it waits for nothing" : nil
            case .finished:
                self.isFinished = true
                return nil
            case .closeSocket(let reason):
                self.closedSockets += 1
                if reason == .draining, buffered > 0, !self.mustEnd {
                    return "it is closed in the middle of a packet"
                }
                self.mayDrop = self.mayDrop || reason == .packetTooLarge
                if self.events.last == .close || self.current != nil {
                    return "the socket is closed at the wrong time"
                }
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
