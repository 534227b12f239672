import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Sockets

/// A limit that a test sets.
private final class TestLimit: AcceptLimit {
    let reason = "too many"
    let isReached = Atomic(false)
    let place = Atomic(Int.max)

    var room: Int {
        self.place.load(ordering: .relaxed)
    }

    func delay() -> TimeAmount? {
        self.isReached.load(ordering: .relaxed) ? .milliseconds(10) : nil
    }
}

@Suite struct AcceptGateTests {
    private let limit = TestLimit()

    private func reach(_ isReached: Bool) {
        self.limit.isReached.store(isReached, ordering: .relaxed)
    }

    @Test func acceptsUntilAnAcceptFails() {
        var gate = AcceptGate()
        #expect(gate.next([]) == .accept)
        #expect(gate.next([]) == .accept)
        #expect(gate.failed(EMFILE) == .pause(.milliseconds(100), reason: nil))
        #expect(gate.next([]) == .nothing)
        #expect(gate.pauseIsOver([]) == .accept, "it was asked meanwhile")
        #expect(gate.next([]) == .accept)
    }

    @Test func acceptsNothingThatNobodyAskedFor() {
        var gate = AcceptGate()
        _ = gate.failed(EMFILE)
        #expect(gate.pauseIsOver([]) == .nothing)
        #expect(gate.pauseIsOver([]) == .nothing)
        #expect(gate.next([]) == .accept)
    }

    @Test(arguments: [ECONNABORTED, EINTR])
    func aClientThatLeftBeforeItWasAcceptedIsNoReasonToWait(_ code: Int32) {
        var gate = AcceptGate()
        #expect(gate.failed(code) == .nothing)
        #expect(gate.next([]) == .accept)
    }

    @Test func manyFailuresAreOnePause() {
        var gate = AcceptGate()
        #expect(gate.failed(nil) == .pause(.milliseconds(100), reason: nil), "an error that is none of the system's")
        for _ in 0..<100 {
            #expect(gate.failed(EMFILE) == .nothing)
        }
    }

    @Test func aLimitHoldsUntilThereIsRoom() {
        let other = TestLimit()
        var gate = AcceptGate()
        self.reach(true)
        for _ in 1...3 {
            #expect(gate.next([other, self.limit]) == .pause(.milliseconds(10), reason: "too many"))
            for _ in 1...5 {
                #expect(gate.pauseIsOver([other, self.limit]) == .pause(.milliseconds(10), reason: "too many"))
            }
            self.reach(false)
            #expect(gate.pauseIsOver([other, self.limit]) == .accept)
            self.reach(true)
        }
    }

    @Test func aLimitIsAskedAlsoAfterAFailure() {
        var gate = AcceptGate()
        _ = gate.failed(EMFILE)
        _ = gate.next([self.limit])
        self.reach(true)
        #expect(gate.pauseIsOver([self.limit]) == .pause(.milliseconds(10), reason: "too many"))
    }

    @Test func eachIsLoggedOnceAMinute() {
        var gate = AcceptGate()
        let now = NIODeadline.now()
        #expect(gate.logsFailure(at: now) && gate.logsLimit(at: now))
        #expect(!gate.logsFailure(at: now + .seconds(59)) && !gate.logsLimit(at: now + .seconds(59)))
        #expect(gate.logsFailure(at: now + .seconds(60)) && gate.logsLimit(at: now + .seconds(60)))
    }
}

@Suite struct AcceptGateHandlerTests {
    private let channel = EmbeddedChannel()
    private let reads = ReadCounter()
    private let errors = ErrorCounter()
    private let limit = TestLimit()

    init() throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let gate = AcceptGateHandler(limits: [self.limit], logger: logger)
        try self.channel.pipeline.syncOperations.addHandlers(self.reads, gate, self.errors)
        self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        self.reads.count = 0
    }

    private func advance(_ milliseconds: Int64) {
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(milliseconds))
    }

    @Test(arguments: [EMFILE, ENFILE, ENOMEM, ENOBUFS])
    func withoutDescriptorsItWaitsAndGoesOn(_ code: Int32) {
        for round in 1...3 {
            for _ in 0..<10 {
                self.channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
            }
            self.channel.read()
            self.advance(99)
            #expect(self.reads.count == round - 1)
            self.advance(1)
            #expect(self.reads.count == round)
        }
        #expect(self.errors.count == 0, "an error would give the listener up")
    }

    @Test func connectionsBeyondALimitWaitUntilThereIsRoom() {
        self.limit.isReached.store(true, ordering: .relaxed)
        self.channel.read()
        self.advance(1000)
        #expect(self.reads.count == 0)
        self.limit.isReached.store(false, ordering: .relaxed)
        self.advance(10)
        #expect(self.reads.count == 1)
        self.channel.read()
        #expect(self.reads.count == 2)
    }

    @Test func aBatchIsWithinTheLimits() throws {
        let channel = EmbeddedChannel()
        let options = try #require(channel.syncOptions)
        try options.setOption(.maxMessagesPerRead, value: 16)
        self.limit.place.store(3, ordering: .relaxed)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try channel.pipeline.syncOperations.addHandler(AcceptGateHandler(limits: [self.limit], logger: logger))
        #expect(try options.getOption(.maxMessagesPerRead) == 3, "of the channel's own first read, too")
        for (room, batch) in [(1, 1), (0, 1), (20, 16), (5, 5), (Int.max, 16)] as [(Int, UInt)] {
            self.limit.place.store(room, ordering: .relaxed)
            channel.read()
            #expect(try options.getOption(.maxMessagesPerRead) == batch)
        }
    }

    @Test func aListenerThatIsClosedIsNotAskedAgain() {
        self.limit.isReached.store(true, ordering: .relaxed)
        self.channel.read()
        self.channel.close(promise: nil)
        self.limit.isReached.store(false, ordering: .relaxed)
        self.advance(1000)
        #expect(self.reads.count == 0)
    }
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = Never
    var count = 0

    func read(context: ChannelHandlerContext) {
        self.count += 1
    }
}

private final class ErrorCounter: ChannelInboundHandler {
    typealias InboundIn = any Channel
    var count = 0

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.count += 1
    }
}
