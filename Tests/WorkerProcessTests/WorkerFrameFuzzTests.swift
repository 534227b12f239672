import Goridge
import NIOCore
import Testing
import WorkerPool

@testable import WorkerProcess

/// The bytes of a worker, cut at random, through ``FrameDecoder`` and ``WorkerStateMachine`` as the relay passes them on.
@Suite struct WorkerFrameFuzzTests {
    /// A worker that always knows which event it answers, and may be slow, forget to answer, or report errors at any
    /// time: each answer must reach the event that it is for.
    @Test(arguments: 0..<50)
    func anAnswerIsOfItsEvent(seed: Int) {
        var conversation = Conversation(seed: seed)
        for _ in 0..<1000 where !conversation.isOver {
            conversation.step()
        }
        #expect(conversation.answers > 10, "seed \(seed)")
    }

    /// The same with frames that are changed, cut or made up: nothing is promised but that an event ends once, that no
    /// byte traps, and that a worker that is given up stays so.
    @Test(arguments: 0..<50)
    func anEventEndsOnce(seed: Int) {
        for life in 0..<10 {
            var conversation = Conversation(seed: seed << 16 | life, isHonest: false)
            for _ in 0..<100 where !conversation.isOver {
                conversation.step()
            }
        }
    }
}

/// A worker and its relay, without processes and without time.
private struct Conversation {
    private enum Request {
        case event(Int)
        case probe
    }

    private var random: SeededGenerator
    private let isHonest: Bool
    private var machine = WorkerStateMachine()
    private var decoder = FrameDecoder(payloadLimit: 1 << 20)
    private var toWorker: [Request] = []
    /// Written by the worker and not read yet.
    private var toServer = ByteBuffer()
    /// What the worker is yet to write, a write each, before it reads its next request.
    private var plan: [ByteBuffer] = []
    private var serving: Int?
    private var held: Int?
    private var events = 0
    private(set) var answers = 0
    private(set) var isOver = false

    init(seed: Int, isHonest: Bool = true) {
        self.random = SeededGenerator(seed: UInt64(seed))
        self.isHonest = isHonest
        self.toServer.writeControlFrame(.pid(42))
        self.deliver()
    }

    mutating func step() {
        switch Int.random(in: 0..<10, using: &self.random) {
        case 0..<2: self.lease()
        case 2..<6: self.work()
        case 6..<9: self.deliver(atMost: .random(in: 1...60, using: &self.random))
        default: self.tick()
        }
        #expect(!self.machine.isIdle || self.serving == nil || self.isOver)
    }

    // MARK: The server

    private mutating func lease() {
        guard self.serving == nil, self.held == nil else {
            return
        }
        self.events += 1
        self.write(self.events)
    }

    private mutating func write(_ event: Int) {
        let isClose = event % 5 == 0
        switch self.machine.lease(isClose: isClose, probesCloses: event % 2 == 0) {
        case .write:
            self.toWorker.append(.event(event))
            self.serving = event
        case .writeWithProbe:
            self.toWorker += [.event(event), .probe]
            self.serving = event
        case .hold:
            self.held = event
        case .refuse:
            Issue.record("a request is refused, and nothing is served")
        }
    }

    /// A tenth of a second is long enough to read all that was written.
    private mutating func tick() {
        self.deliver()
        guard !self.isOver else {
            return
        }
        for interval in WorkerStateMachine.Interval.allCases where !self.isOver {
            switch self.machine.tick(interval, mayProbe: true, knowsProbes: true) {
            case .probe: self.toWorker.append(.probe)
            case .noReply: self.releaseHeld()
            case .lastAnswer: Issue.record("it is known to reply")
            case .broken: self.giveUp(isBusy: false)
            case .again, .pause: break
            }
        }
    }

    private mutating func deliver(atMost limit: Int = .max) {
        guard !self.isOver, let bytes = self.toServer.readSlice(length: min(limit, self.toServer.readableBytes)) else {
            return
        }
        self.decoder.append(bytes)
        do {
            while let frame = try self.decoder.next(), !self.isOver {
                self.perform(self.machine.received(frame, isLast: self.decoder.isEmpty, mayProbe: true))
            }
        } catch {
            if case .fail(let isBusy) = self.machine.giveUp() {
                self.giveUp(isBusy: isBusy)
            }
        }
        self.releaseHeld()
    }

    private mutating func releaseHeld() {
        if self.machine.isIdle, !self.isOver, let event = self.held {
            self.held = nil
            self.write(event)
        }
    }

    private mutating func perform(_ action: WorkerStateMachine.FrameAction) {
        switch action {
        case .answer(let answer):
            if self.isHonest {
                #expect(!answer.ignoredProbe)
            }
            if self.isHonest, case .reply(let context, let body) = answer.answer {
                #expect(String(buffer: context) == "WRITE")
                #expect(String(buffer: body) == self.serving.map { "\($0)" })
            }
            self.end()
        case .unanswered:
            self.end()
        case .refused:
            self.end()
            self.isOver = true
        case .probe:
            self.toWorker.append(.probe)
        case .broken(_, let isBusy):
            #expect(!self.isHonest, "an honest worker is given up")
            self.giveUp(isBusy: isBusy)
        case .ready, .lateError, .ignore:
            break
        }
    }

    private mutating func end() {
        #expect(self.serving != nil, "an event ends, and none is served")
        self.serving = nil
        self.answers += 1
    }

    private mutating func giveUp(isBusy: Bool) {
        #expect(isBusy == (self.serving != nil))
        self.isOver = true
        for frame in [Frame.pid, .error("x"), .answer("WRITE", "x")] {
            guard case .ignore = self.machine.received(frame, isLast: true, mayProbe: true) else {
                Issue.record("it was given up")
                return
            }
        }
    }

    // MARK: The worker

    private mutating func work() {
        if !self.plan.isEmpty {
            var bytes = self.plan.removeFirst()
            self.toServer.writeBuffer(&bytes)
            return
        }
        guard !self.toWorker.isEmpty else {
            return
        }
        switch self.toWorker.removeFirst() {
        case .probe:
            var reply = ByteBuffer()
            reply.writeControlFrame(.pid(42))
            self.plan = [self.isHonest ? reply : self.spoilt(reply)]
        case .event(let event):
            let (answer, error) = (Self.answer(event), Self.error(event))
            self.plan =
                switch Int.random(in: 0..<10, using: &self.random) {
                case 0: []
                case 1: [error]
                case 2: [error, answer]
                case 3: [answer, error]
                case 4: [Self.joined(answer, error)]
                case 5: [Self.joined(error, answer)]
                default: [self.isHonest ? answer : self.spoilt(answer)]
                }
        }
    }

    private static func joined(_ first: ByteBuffer, _ second: ByteBuffer) -> ByteBuffer {
        var bytes = first
        bytes.writeImmutableBuffer(second)
        return bytes
    }

    private static func answer(_ event: Int) -> ByteBuffer {
        Self.frame([], [5], "WRITE\(event)")
    }

    private static func error(_ event: Int) -> ByteBuffer {
        Self.frame(.error, [], "error \(event)")
    }

    private static func frame(_ flags: FrameFlags, _ options: [UInt32], _ payload: String) -> ByteBuffer {
        var bytes = ByteBuffer()
        let length = UInt32(payload.utf8.count)
        bytes.writeFrameHeader(FrameHeader(flags: flags, optionCount: options.count, payloadLength: length))
        for option in options {
            bytes.writeInteger(option, endianness: .little)
        }
        bytes.writeString(payload)
        return bytes
    }

    /// Mostly as it is; or cut, changed, with any flags and any length, or twice.
    private mutating func spoilt(_ frame: ByteBuffer) -> ByteBuffer {
        var bytes = Array(frame.readableBytesView)
        let place = Int.random(in: bytes.indices, using: &self.random)
        switch Int.random(in: 0..<20, using: &self.random) {
        case 0: bytes.removeLast(place)
        case 1: bytes[place] ^= .random(in: 1...255, using: &self.random)
        case 2: bytes.insert(.random(in: 0...255, using: &self.random), at: place)
        case 3: bytes += bytes
        case 4, 5:
            let length = UInt32.random(in: 0...(.max), using: &self.random)
            let header = FrameHeader(
                flags: FrameFlags(rawValue: .random(in: 0...255, using: &self.random)),
                optionCount: .random(in: 0...10, using: &self.random),
                payloadLength: length >> UInt32.random(in: 0...31, using: &self.random)
            )
            var changed = ByteBuffer()
            changed.writeFrameHeader(header)
            bytes.replaceSubrange(..<12, with: changed.readableBytesView)
        default: break
        }
        return ByteBuffer(bytes: bytes)
    }
}
