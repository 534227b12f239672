import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import Edge

/// The deadline of a stage that never waits.
private let neverNeeded = StageDeadline(.zero, EdgeFailure(.incomplete, "it waited"))

/// Counts the received bytes for as long as the connection lives.
private struct CountingStage: ReadingStage {
    final class Count: Sendable {
        let bytes = Atomic(0)
    }

    let count: Count
    let deadline = neverNeeded

    mutating func opened(_ facts: inout EdgeFacts) -> StageProgress {
        .established
    }

    mutating func received(_ bytes: ByteBuffer, _ facts: inout EdgeFacts) -> StageOutput {
        self.count.bytes.wrappingAdd(bytes.readableBytes, ordering: .relaxed)
        return StageOutput(.established, bytes: bytes)
    }
}

/// Wants a line first, which names the client, and is gone then: as the PROXY protocol does.
private struct GreetingStage: ReadingStage {
    let deadline = StageDeadline(.seconds(5), EdgeFailure(.incomplete, "no greeting"))
    private var buffer = ByteBuffer()

    mutating func received(_ bytes: ByteBuffer, _ facts: inout EdgeFacts) throws(EdgeFailure) -> StageOutput {
        self.buffer.writeImmutableBuffer(bytes)
        guard let end = self.buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            return StageOutput(.waiting)
        }
        let line = self.buffer.readString(length: end - self.buffer.readerIndex) ?? ""
        self.buffer.moveReaderIndex(forwardBy: 1)
        guard let address = try? SocketAddress(ipAddress: line, port: 7) else {
            throw EdgeFailure(.incomplete, "no address: \(line)")
        }
        facts.remoteAddress = address
        facts.transport.append(TransportFact("greeting", .text(line)))
        return StageOutput(.finished, bytes: self.buffer)
    }
}

/// Turns every bit, after a handshake of one byte that it answers.
private struct MaskingStage: TransformingStage {
    let deadline: StageDeadline
    private var progress = StageProgress.waiting

    init(deadline: StageDeadline = StageDeadline(.seconds(2), EdgeFailure(.incomplete, "no mask"))) {
        self.deadline = deadline
    }

    static func masked(_ bytes: ByteBuffer) -> ByteBuffer {
        ByteBuffer(bytes: bytes.readableBytesView.map { ~$0 })
    }

    mutating func received(_ bytes: ByteBuffer, _ facts: inout EdgeFacts) throws(EdgeFailure) -> StageOutput {
        guard self.progress == .waiting else {
            guard bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) != 0 else {
                throw EdgeFailure(.incomplete, "no mask any more")
            }
            return StageOutput(.established, bytes: Self.masked(bytes))
        }
        guard bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == UInt8(ascii: "M") else {
            throw EdgeFailure(.incomplete, "no handshake")
        }
        self.progress = .established
        let rest = ByteBuffer(bytes: bytes.readableBytesView.dropFirst())
        return StageOutput(.established, bytes: Self.masked(rest), reply: ByteBuffer(string: "m"))
    }

    mutating func sending(_ bytes: ByteBuffer) -> ByteBuffer {
        Self.masked(bytes)
    }
}

/// The fates of an edge's connections.
final class Record: Sendable {
    let ended = Atomic(0)
    /// Answers that went to the descriptor past the pipeline.
    let rawWrites = Atomic(0)
    let outcomes = Mutex<[EdgeOutcome]>([])
    /// What sessions were told by `errorCaught`.
    let errors = Mutex<[String]>([])
    let addresses = Mutex<[String?]>([])
    let facts = Mutex<[TransportFact]>([])
}

struct EchoMaker: SessionMaker {
    let record: Record
    var admits = true
    /// Called with each connection that is inside the edge.
    var entered: (any EdgeConnection) -> Void = { _ in }

    func makeSession(_ entrance: Entrance) -> any ChannelHandler {
        EchoSession(entrance, self.record)
    }

    func enter(_ connection: any EdgeConnection) -> Bool {
        self.entered(connection)
        return self.admits
    }

    func leave(_ connection: any EdgeConnection, _ outcome: EdgeOutcome) {
        self.record.outcomes.withLock { $0.append(outcome) }
    }

    func endedWithoutSession() {
        self.record.ended.wrappingAdd(1, ordering: .relaxed)
    }
}

/// Echoes the received bytes through its writer.
final class EchoSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let entrance: Entrance
    private let record: Record
    private var writer: SessionWriter?

    init(_ entrance: Entrance, _ record: Record) {
        self.entrance = entrance
        self.record = record
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive {
            self.begin(context)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        let established = self.entrance.established(on: context.channel)
        self.writer = established.writer
        self.record.addresses.withLock { $0.append(established.remoteAddress?.ipAddress) }
        self.record.facts.withLock { $0 += established.facts }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.record.errors.withLock { $0.append((error as? EdgeFailure)?.reason ?? "\(error)") }
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: "never in clear")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let rest = self.writer?.write(self.unwrapInboundIn(data), context) {
            context.writeAndFlush(self.wrapOutboundOut(rest), promise: nil)
        } else {
            self.record.rawWrites.wrappingAdd(1, ordering: .relaxed)
        }
    }
}

@Suite struct EdgeTests {
    private let record = Record()
    private let count = CountingStage.Count()

    private func channel(_ stages: @escaping @Sendable () -> [Stage]) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try Edge(stages: stages).admit(channel, to: EchoMaker(record: self.record))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), promise: nil)
        return channel
    }

    private var outcomes: [EdgeOutcome] {
        self.record.outcomes.withLock { $0 }
    }

    private func written(_ channel: EmbeddedChannel) throws -> ByteBuffer {
        var all = ByteBuffer()
        while var bytes = try channel.readOutbound(as: ByteBuffer.self) {
            all.writeBuffer(&bytes)
        }
        return all
    }

    private var addresses: [String?] {
        self.record.addresses.withLock { $0 }
    }

    @Test func withoutStagesTheSessionIsTheOnlyHandler() throws {
        let channel = EmbeddedChannel()
        try Edge.open.admit(channel, to: EchoMaker(record: self.record))
        #expect(throws: (any Error).self) {
            try channel.pipeline.syncOperations.handler(type: EdgeHandler<EchoMaker>.self)
        }
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), promise: nil)
        #expect(self.addresses == ["192.0.2.1"])
        try channel.writeInbound(ByteBuffer(string: "echo"))
        #expect(try self.written(channel) == ByteBuffer(string: "echo"))
    }

    @Test func aStageThatWantsNothingLetsTheSessionBeginAtOnce() throws {
        let count = self.count
        let channel = try self.channel { [.reading(CountingStage(count: count))] }
        #expect(self.addresses == ["192.0.2.1"])
        try channel.writeInbound(ByteBuffer(string: "12345"))
        try channel.writeInbound(ByteBuffer(string: "678"))
        #expect(count.bytes.load(ordering: .relaxed) == 8)
        #expect(try self.written(channel) == ByteBuffer(string: "12345678"))
    }

    @Test func aStageThatIsFinishedIsGoneAndHasNamedTheClient() throws {
        let channel = try self.channel { [.reading(GreetingStage())] }
        try channel.writeInbound(ByteBuffer(string: "203.0."))
        #expect(self.addresses.isEmpty)
        try channel.writeInbound(ByteBuffer(string: "113.9\nrest"))
        #expect(self.addresses == ["203.0.113.9"])
        #expect(self.record.facts.withLock { $0 } == [TransportFact("greeting", .text("203.0.113.9"))])
        #expect(throws: (any Error).self) {
            try channel.pipeline.syncOperations.handler(type: EdgeHandler<EchoMaker>.self)
        }
        try channel.writeInbound(ByteBuffer(string: " and more\n"))
        #expect(try self.written(channel) == ByteBuffer(string: "rest and more\n"))
        #expect(self.record.ended.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: [1, 3, 100])
    func stagesFollowEachOther(piece: Int) throws {
        let count = self.count
        let channel = try self.channel {
            [.reading(GreetingStage()), .transforming(MaskingStage()), .reading(CountingStage(count: count))]
        }
        var sent = ByteBuffer(string: "203.0.113.9\nM")
        sent.writeImmutableBuffer(MaskingStage.masked(ByteBuffer(string: "hello")))
        while let bytes = sent.readSlice(length: min(piece, max(1, sent.readableBytes))) {
            try channel.writeInbound(bytes)
        }
        var expected = ByteBuffer(string: "m")
        expected.writeImmutableBuffer(MaskingStage.masked(ByteBuffer(string: "hello")))
        // A stage does not mask its own handshake's answer, but masks the session's bytes.
        #expect(try self.written(channel) == expected)
        #expect(count.bytes.load(ordering: .relaxed) == 5)
        #expect(self.addresses == ["203.0.113.9"])
    }

    @Test func aClientThatIsRefusedIsClosedWithTheReason() throws {
        let channel = try self.channel { [.reading(GreetingStage())] }
        try channel.writeInbound(ByteBuffer(string: "nonsense\n"))
        #expect(!channel.isActive)
        #expect(self.addresses.isEmpty)
        channel.embeddedEventLoop.run()
        #expect(self.outcomes == [.refused(EdgeFailure(.incomplete, "no address: nonsense"))])
        #expect(self.record.ended.load(ordering: .relaxed) == 1)
        // Its timer is gone.
        channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(self.outcomes.count == 1)
    }

    @Test(arguments: [false, true], ["", "203."])
    func aClientThatLeavesBeforeItIsEstablishedHasNoSession(endsOnlyItsSide: Bool, sent: String) throws {
        let channel = try self.channel { [.reading(GreetingStage())] }
        if !sent.isEmpty {
            try channel.writeInbound(ByteBuffer(string: sent))
        }
        if endsOnlyItsSide {
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else {
            channel.close(promise: nil)
        }
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive && self.addresses.isEmpty)
        #expect(self.record.ended.load(ordering: .relaxed) == 1)
        guard case .refused(let failure) = self.outcomes.first, self.outcomes.count == 1 else {
            Issue.record("\(self.outcomes)")
            return
        }
        #expect(failure.cause == (sent.isEmpty ? .silent : .incomplete))
    }

    @Test func eachStageHasItsTime() throws {
        let channel = try self.channel { [.reading(GreetingStage()), .transforming(MaskingStage())] }
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        // More bytes give no more time.
        try channel.writeInbound(ByteBuffer(string: "203.0.113"))
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        try channel.writeInbound(ByteBuffer(string: ".9\n"))
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1999))
        #expect(channel.isActive && self.outcomes.isEmpty)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
        #expect(self.outcomes == [.refused(EdgeFailure(.incomplete, "no mask"))])
    }

    @Test func aStageThatIsSlowIsRefused() throws {
        let channel = try self.channel { [.reading(GreetingStage()), .transforming(MaskingStage())] }
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(!channel.isActive)
        #expect(self.outcomes == [.refused(EdgeFailure(.incomplete, "no greeting"))])
    }

    @Test func anEstablishedConnectionHasNoTimer() throws {
        let channel = try self.channel { [.reading(GreetingStage()), .transforming(MaskingStage())] }
        try channel.writeInbound(ByteBuffer(string: "203.0.113.9\nM"))
        #expect(self.outcomes == [.established])
        channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(channel.isActive && self.outcomes == [.established])
    }

    @Test func theServerMayCloseAConnectionInsideTheEdge() throws {
        var connections: [any EdgeConnection] = []
        let channel = EmbeddedChannel()
        let edge = Edge { [.reading(GreetingStage())] }
        try edge.admit(channel, to: EchoMaker(record: self.record, entered: { connections.append($0) }))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), promise: nil)
        let connection = try #require(connections.first)
        #expect(connection.peer?.ipAddress == "192.0.2.1")
        connection.close()
        channel.embeddedEventLoop.run()
        connection.close()
        #expect(!channel.isActive && self.outcomes == [.closed])
        #expect(self.record.ended.load(ordering: .relaxed) == 1)
    }

    @Test func theServerMayKeepAConnectionOut() throws {
        let channel = EmbeddedChannel()
        try Edge { [.reading(GreetingStage())] }.admit(channel, to: EchoMaker(record: self.record, admits: false))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), promise: nil)
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive && self.outcomes.isEmpty && self.addresses.isEmpty)
        #expect(self.record.ended.load(ordering: .relaxed) == 1)
    }

    @Test func aSessionLearnsOfAStageThatFailsLater() throws {
        let channel = try self.channel { [.transforming(MaskingStage())] }
        try channel.writeInbound(ByteBuffer(string: "M"))
        try channel.writeInbound(ByteBuffer(bytes: [0]))
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive && self.outcomes == [.established])
        #expect(self.record.errors.withLock { $0 } == ["no mask any more"])
        // What the session then writes is not sent past the stage.
        #expect(try self.written(channel) == ByteBuffer(string: "m"))
        #expect(self.record.ended.load(ordering: .relaxed) == 0)
    }
}

/// On sockets of the system, where a writer may go around the pipeline.
@Suite struct EdgeSocketTests {
    private let record = Record()

    /// Sends each packet when the one before was answered.
    private func echo(_ edge: Edge, _ packets: [ByteBuffer]) async throws -> [ByteBuffer] {
        let group = MultiThreadedEventLoopGroup.singleton
        let record = self.record
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try edge.admit(channel, to: EchoMaker(record: record))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: group).connect(to: server.localAddress!) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        let answers = try await client.executeThenClose { input, output in
            var answers: [ByteBuffer] = []
            var received = input.makeAsyncIterator()
            for packet in packets {
                try await output.write(packet)
                var answer = ByteBuffer()
                while answer.readableBytes < packet.readableBytes, var bytes = try await received.next() {
                    answer.writeBuffer(&bytes)
                }
                answers.append(answer)
            }
            return answers
        }
        try await server.close().get()
        return answers
    }

    @Test func noAnswerGoesByAStageThatTransforms() async throws {
        // No test of time: the machine may be slow.
        let deadline = StageDeadline(.hours(1), EdgeFailure(.incomplete, "no mask"))
        let edge = Edge { [.transforming(MaskingStage(deadline: deadline))] }
        let packets = (1...20).map { MaskingStage.masked(ByteBuffer(string: "packet \($0)")) }
        let answers = try await self.echo(edge, [ByteBuffer(string: "M")] + packets)
        #expect(answers == [ByteBuffer(string: "m")] + packets)
        #expect(self.record.rawWrites.load(ordering: .relaxed) == 0)
    }

    @Test func answersGoByAStageThatReads() async throws {
        let count = CountingStage.Count()
        let edge = Edge { [.reading(CountingStage(count: count))] }
        let packets = (1...20).map { ByteBuffer(string: "packet \($0)") }
        #expect(try await self.echo(edge, packets) == packets)
        #expect(count.bytes.load(ordering: .relaxed) == packets.reduce(0) { $0 + $1.readableBytes })
        #expect(self.record.rawWrites.load(ordering: .relaxed) > 0)
    }
}
