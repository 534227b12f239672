import Goridge
import NIOCore
import TestSupport
import Testing
import WorkerPool

@testable import WorkerProcess

/// The bytes of a worker, cut at random, through ``FrameDecoder`` and ``WorkerStateMachine`` as the relay passes them on.
@Suite struct WorkerFrameFuzzTests {
    /// A worker that always knows which event it answers, and may be slow, forget to answer, or report errors at any
    /// time; or one that answers each once, many in one write. It has several events at once: each answer must reach the
    /// event that it is for. In the end it dies: what is told as begun is all that it has begun, and of the first kind one
    /// event at most.
    @Test(arguments: 0..<50)
    func anAnswerIsOfItsEvent(seed: Int) {
        var answers = 0
        for life in 0..<8 {
            var exchange = Exchange(seed: seed << 8 | life, manner: life % 2 == 0 ? .free : .strict)
            for _ in 0..<500 where !exchange.isOver {
                exchange.step()
            }
            exchange.die()
            answers += exchange.answers
        }
        #expect(answers > 10, "seed \(seed)")
    }

    /// The same with frames that are changed, cut or made up: nothing is promised but that an event ends once, that no
    /// byte traps, and that a worker that is given up stays so.
    @Test(arguments: 0..<50)
    func anEventEndsOnce(seed: Int) {
        for life in 0..<10 {
            var exchange = Exchange(
                seed: seed << 16 | life, manner: life % 2 == 0 ? .free : .strict, isHonest: false)
            for _ in 0..<100 where !exchange.isOver {
                exchange.step()
            }
        }
    }
}

/// A worker and its relay, without processes and without time. What is written is counted in frames.
private struct Exchange {
    enum Manner {
        /// It promises nothing.
        case free
        /// It has announced that it answers each event once.
        case strict
    }

    private enum Request {
        case event(Int)
        case probe
        case stop
    }

    private var random: SeededGenerator
    private let manner: Manner
    private let isHonest: Bool
    private var machine = WorkerStateMachine(trial: 3)
    private var decoder = FrameDecoder(payloadLimit: 1 << 20)
    private var toWorker: [Request] = []
    private var written = 0
    private var isProbeLast = false
    /// Events with a probe between them and the one before.
    private var separate: Set<Int> = []
    /// Written by the worker and not read yet.
    private var toServer = ByteBuffer()
    /// The writes that the worker has still to do before it reads its next request.
    private var plan: [ByteBuffer] = []
    /// Answers that it has gathered.
    private var gathered = ByteBuffer()
    private var begun: Set<Int> = []
    /// What the worker was given and is not over, those that are held back included.
    private var given: [Int] = []
    private var held: [Int] = []
    private var events = 0
    private(set) var answers = 0
    private var isLeaving = false
    private(set) var isOver = false

    init(seed: Int, manner: Manner, isHonest: Bool = true) {
        self.random = SeededGenerator(seed: UInt64(seed))
        self.manner = manner
        self.isHonest = isHonest
        self.toServer.writeImmutableBuffer(
            Self.frame(.control, [], manner == .strict ? "{\"pid\":42,\"answers\":\"batched\"}" : "{\"pid\":42}"))
        self.deliver()
    }

    mutating func step() {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<25: self.lease()
        case 25..<65: self.work()
        case 65..<94: self.deliver(atMost: .random(in: 1...60, using: &self.random))
        default: self.tick()
        }
        #expect(self.isOver || self.machine.requests == self.given.count - self.held.count)
    }

    // MARK: The server

    private mutating func lease() {
        let limit = self.machine.pipelines ? 6 : Int.random(in: 0..<10, using: &self.random) == 0 ? 2 : 1
        guard !self.isLeaving, self.given.count < limit else {
            return
        }
        self.events += 1
        self.given.append(self.events)
        self.held.append(self.events)
        if self.held.count == 1 {
            self.write(self.events)
        }
    }

    private mutating func write(_ event: Int) {
        let action = self.machine.lease(
            isClose: event % 5 == 0, at: self.written, size: 100, probesCloses: event % 2 == 0, mayTry: true)
        switch action {
        case .write(let probes), .append(let probes):
            self.held.removeFirst()
            if probes.contains(.before) {
                self.send(.probe)
            }
            if self.isProbeLast || event == 1 {
                self.separate.insert(event)
            }
            self.send(.event(event))
            if probes.contains(.behind) {
                self.send(.probe)
            }
        case .hold:
            break
        case .refuse:
            Issue.record("a request is refused, and the worker is well")
        }
    }

    private mutating func send(_ request: Request) {
        self.toWorker.append(request)
        self.written += 1
        if case .probe = request { self.isProbeLast = true } else { self.isProbeLast = false }
    }

    /// A tenth of a second is long enough to read all that was written.
    private mutating func tick() {
        self.deliver()
        for interval in WorkerStateMachine.Interval.allCases where !self.isOver {
            switch self.machine.tick(interval, mayProbe: true, knowsProbes: true, hasRead: true) {
            case .probe:
                #expect(self.manner == .free)
                self.send(.probe)
            case .noReply: self.releaseHeld()
            case .lastAnswer: Issue.record("it is known to reply")
            case .broken: self.giveUp()
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
            if self.machine.giveUp() {
                self.giveUp()
            }
        }
        self.releaseHeld()
    }

    private mutating func releaseHeld() {
        while self.machine.isWritable, !self.isOver, let event = self.held.first {
            self.write(event)
        }
    }

    private mutating func perform(_ action: WorkerStateMachine.FrameAction) {
        switch action {
        case .answer(let answer, let isToClose):
            self.end(answer, isToClose: isToClose)
        case .answerAfter(let aside, let answer, let isToClose):
            if self.isHonest {
                #expect(!aside.ignoredProbe)
            }
            self.end(answer, isToClose: isToClose)
        case .unanswered(let isClose):
            self.end(nil, isToClose: isClose)
        case .refused(let isLast):
            self.refused(isLast: isLast)
        case .probe:
            #expect(self.manner == .free)
            self.send(.probe)
        case .broken:
            #expect(!self.isHonest, "an honest worker is given up")
            self.giveUp()
        case .ready, .lateError, .nothing:
            break
        }
    }

    private mutating func end(_ answer: WorkerAnswer?, isToClose: Bool) {
        guard let event = self.given.first, self.given.count > self.held.count else {
            Issue.record("an event ends, and none is served")
            return
        }
        self.given.removeFirst()
        self.answers += 1
        #expect(isToClose == (event % 5 == 0))
        guard self.isHonest else {
            return
        }
        #expect(self.begun.contains(event))
        switch answer {
        case .reply(let context, let body):
            #expect(self.isLeaving || String(buffer: context) == "WRITE")
            #expect(self.isLeaving && body.readableBytes == 0 || String(buffer: body) == "\(event)")
        case .error(let message) where self.manner == .strict || self.separate.contains(event):
            #expect(String(buffer: message) == "error \(event)")
        case .error, .missing, nil:
            break
        }
    }

    private mutating func refused(isLast: Bool) {
        self.given.removeFirst()
        #expect(isLast == (self.manner == .strict))
        if self.isLeaving {
            return
        }
        #expect(self.machine.stop().text == "sendStop")
        self.send(.stop)
        self.isLeaving = true
        self.given.removeLast(self.held.count)
        self.held = []
        if isLast {
            self.given = []
            self.isOver = true
        }
    }

    private mutating func giveUp() {
        #expect(self.machine.read(.max) == self.given.count - self.held.count, "nothing of it is believed")
        self.isOver = true
        for frame in [Frame.pid, .error("x"), .answer("WRITE", "x")] {
            guard case .nothing = self.machine.received(frame, isLast: true, mayProbe: true) else {
                Issue.record("it was given up")
                return
            }
        }
    }

    // MARK: The worker

    private mutating func work() {
        if !self.plan.isEmpty {
            let bytes = self.plan.removeFirst()
            if self.manner == .strict, self.isHonest {
                self.gathered.writeImmutableBuffer(bytes)
                self.flush(isAlways: false)
            } else {
                self.toServer.writeImmutableBuffer(bytes)
            }
            return
        }
        guard !self.toWorker.isEmpty else {
            self.flush(isAlways: true)
            return
        }
        switch self.toWorker.removeFirst() {
        case .probe:
            let reply = Self.frame(.control, [], "{\"pid\":42}")
            self.plan = [self.isHonest ? reply : self.spoilt(reply)]
        case .event(let event):
            self.begun.insert(event)
            self.plan = self.manner == .free ? self.anything(event) : self.once(event)
        case .stop:
            // As RoadRunner's client does.
            self.plan = []
            self.toServer.writeImmutableBuffer(Self.frame([], [5], "CLOSE"))
            self.die()
        }
    }

    private mutating func flush(isAlways: Bool) {
        if isAlways || Int.random(in: 0..<3, using: &self.random) == 0 {
            self.toServer.writeImmutableBuffer(self.gathered)
            self.gathered.clear()
        }
    }

    private mutating func anything(_ event: Int) -> [ByteBuffer] {
        let (answer, error) = (Self.answer(event), Self.error(event))
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<10: return []
        case 10..<20: return [error]
        case 20..<30: return [error, answer]
        case 30..<40: return [answer, error]
        case 40..<50: return [Self.joined(answer, error)]
        case 50..<60: return [Self.joined(error, answer)]
        case 60: return [Self.refusal]
        default: return [self.isHonest ? answer : self.spoilt(answer)]
        }
    }

    private mutating func once(_ event: Int) -> [ByteBuffer] {
        switch Int.random(in: 0..<100, using: &self.random) {
        case 0..<10: return [Self.error(event)]
        case 10: return [Self.refusal]
        default: return [self.isHonest ? Self.answer(event) : self.spoilt(Self.answer(event))]
        }
    }

    /// The worker's process has ended, and all that it wrote is read.
    mutating func die() {
        self.deliver()
        guard !self.isOver else {
            return
        }
        if case .failedAfter(let answer) = self.machine.closed() {
            self.end(answer, isToClose: self.given[0] % 5 == 0)
        }
        self.isOver = true
        guard self.isHonest else {
            return
        }
        let begun = self.given.prefix { self.begun.contains($0) }.count
        #expect(begun == self.given.count(where: { self.begun.contains($0) }))
        for read in [self.written - self.toWorker.count, .max] {
            let told = self.machine.begun(read: read)
            #expect(told >= begun, "it is given to another worker, and was begun")
            #expect(told <= self.given.count - self.held.count)
            if self.manner == .free {
                #expect(told <= 1, "no worker but one that says so begins several")
            } else if read < .max {
                #expect(told == begun)
            }
        }
    }

    private static let refusal = Self.frame([], [13], "{\"stop\":true}")

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
