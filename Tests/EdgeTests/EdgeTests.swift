import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import Edge

/// Wants nothing: its session begins at once.
private struct OpenStage: ReadingStage {
    let deadline = StageDeadline(.zero, EdgeFailure(.incomplete, "it waited"))

    mutating func opened(_ facts: inout EdgeFacts) -> StageProgress {
        facts.transport.append(TransportFact("open", .flag(true)))
        return .finished
    }

    mutating func received(_ bytes: ByteBuffer, _ facts: inout EdgeFacts) -> StageOutput {
        StageOutput(.finished, bytes: bytes)
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

private func masked(_ bytes: ByteBuffer) -> ByteBuffer {
    ByteBuffer(bytes: bytes.readableBytesView.map { ~$0 })
}

/// Turns every bit, after a handshake: `H`, which the stage reads and answers nothing to, then `M`, answered with `m`.
private struct MaskingStage: EncryptingStage {
    struct Done {}
    enum Fault: Error { case noHandshake, harmless, broken }

    var deadline = StageDeadline(.seconds(2), EdgeFailure(.tlsTimeout, "no mask"))

    mutating func received(_ bytes: ByteBuffer) throws(EdgeFailure) -> Encryption? {
        guard bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == UInt8(ascii: "H") else {
            throw EdgeFailure(.notTLS, "no hello", farewell: Array("alert".utf8))
        }
        return Encryption(handlers: [MaskingHandler()], received: bytes)
    }

    mutating func isEstablished(by event: Any, _ facts: inout EdgeFacts) -> Bool {
        guard event is Done else { return false }
        facts.transport.append(TransportFact("masked", .flag(true)))
        return true
    }

    func failure(_ error: any Error) -> EdgeFailure {
        EdgeFailure(.tlsError, "\(error)")
    }

    func isHarmless(_ error: any Error) -> Bool {
        if case Fault.harmless = error { true } else { false }
    }
}

private final class MaskingHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var awaited = Array("HM".utf8)[...]

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        while let next = self.awaited.first, let byte = bytes.readInteger(as: UInt8.self) {
            guard byte == next else {
                context.fireErrorCaught(MaskingStage.Fault.noHandshake)
                return
            }
            self.awaited.removeFirst()
            if self.awaited.isEmpty {
                context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: "m")), promise: nil)
                context.fireUserInboundEventTriggered(MaskingStage.Done())
            }
        }
        switch bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) {
        case nil: break
        case 0: context.fireErrorCaught(MaskingStage.Fault.harmless)
        case 1: context.fireErrorCaught(MaskingStage.Fault.broken)
        default: context.fireChannelRead(self.wrapInboundOut(masked(bytes)))
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(self.wrapOutboundOut(masked(self.unwrapOutboundIn(data))), promise: promise)
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
    /// How often sessions were told that the channel is writable, or is not.
    let writability = Mutex<[Bool]>([])
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
        if error is EdgeFailure {
            context.close(promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        self.record.writability.withLock { $0.append(isWritable) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? EncryptionStarted {
            self.record.facts.withLock { $0 = event.facts }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// A `!` asks for encryption.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let asks = self.unwrapInboundIn(data) == ByteBuffer(string: "!")
        defer {
            if asks {
                let asked = context.eventLoop.makePromise(of: Void.self)
                let record = self.record
                asked.futureResult.whenFailure { _ in record.errors.withLock { $0.append("refused") } }
                context.triggerUserOutboundEvent(StartEncryption(), promise: asked)
            }
        }
        if let rest = self.writer?.write(self.unwrapInboundIn(data), context) {
            context.writeAndFlush(self.wrapOutboundOut(rest), promise: nil)
        } else {
            self.record.rawWrites.wrappingAdd(1, ordering: .relaxed)
        }
    }
}

@Suite struct EdgeTests {
    private let record = Record()

    private func channel(
        upgrade: Edge.Upgrade? = nil, _ stages: @escaping @Sendable () -> [Stage]
    ) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try Edge(upgrade: upgrade, stages: stages).admit(channel, to: EchoMaker(record: self.record))
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
        let channel = try self.channel { [.reading(OpenStage())] }
        #expect(self.addresses == ["192.0.2.1"])
        #expect(self.record.facts.withLock { $0 } == [TransportFact("open", .flag(true))])
        try channel.writeInbound(ByteBuffer(string: "12345"))
        #expect(try self.written(channel) == ByteBuffer(string: "12345"))
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
        let channel = try self.channel {
            [.reading(GreetingStage()), .encrypting(MaskingStage()), .reading(OpenStage())]
        }
        var sent = ByteBuffer(string: "203.0.113.9\nHM")
        sent.writeImmutableBuffer(masked(ByteBuffer(string: "hello")))
        while let bytes = sent.readSlice(length: min(piece, max(1, sent.readableBytes))) {
            try channel.writeInbound(bytes)
        }
        var expected = ByteBuffer(string: "m")
        expected.writeImmutableBuffer(masked(ByteBuffer(string: "hello")))
        #expect(try self.written(channel) == expected)
        #expect(self.addresses == ["203.0.113.9"])
        #expect(self.record.facts.withLock { $0.map(\.name) } == ["greeting", "masked", "open"])
    }

    @Test func aHandshakeThatFailsIsRefused() throws {
        let channel = try self.channel { [.encrypting(MaskingStage())] }
        try channel.writeInbound(ByteBuffer(string: "H"))
        #expect(self.addresses.isEmpty && channel.isActive)
        try channel.writeInbound(ByteBuffer(string: "x"))
        channel.embeddedEventLoop.run()
        #expect(!channel.isActive && self.addresses.isEmpty)
        #expect(self.outcomes == [.refused(EdgeFailure(.tlsError, "noHandshake"))])
        #expect(self.record.ended.load(ordering: .relaxed) == 1)
    }

    @Test func aRefusalMayHaveLastWords() throws {
        let channel = try self.channel { [.encrypting(MaskingStage())] }
        try channel.writeInbound(ByteBuffer(string: "x"))
        #expect(try self.written(channel) == ByteBuffer(string: "alert"))
        #expect(!channel.isActive)
    }

    @Test func harmlessErrorsAreNoneOfTheSession() throws {
        let channel = try self.channel { [.encrypting(MaskingStage())] }
        try channel.writeInbound(ByteBuffer(string: "HM"))
        try channel.writeInbound(ByteBuffer(bytes: [0]))
        #expect(channel.isActive && self.record.errors.withLock { $0 } == [])
        try channel.writeInbound(ByteBuffer(bytes: [1]))
        #expect(self.record.errors.withLock { $0 } == ["broken"])
    }

    /// The library would encrypt all of it in one turn, and keep as much memory.
    @Test func aLongAnswerIsEncryptedInSlices() throws {
        let channel = try self.channel { [.encrypting(MaskingStage())] }
        try channel.writeInbound(ByteBuffer(string: "HM"))
        _ = try self.written(channel)
        let packet = ByteBuffer(repeating: 7, count: 3_000_001)
        channel.isWritable = false
        try channel.writeInbound(packet)
        try channel.writeInbound(ByteBuffer(repeating: 9, count: 5))
        #expect(try self.written(channel).readableBytes == 0)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        // Never within the channel's own write, which goes on while there is more.
        var all = try self.written(channel)
        #expect(all.readableBytes == 0)
        channel.embeddedEventLoop.run()
        while var slice = try channel.readOutbound(as: ByteBuffer.self) {
            #expect(slice.readableBytes <= EncryptedOutput.slice)
            all.writeBuffer(&slice)
        }
        var expected = packet
        expected.writeRepeatingByte(9, count: 5)
        #expect(all == expected)
        #expect(self.record.writability.withLock { $0 } == [true])
    }

    @Test func aSessionMayAskForEncryption() throws {
        let channel = try self.channel(upgrade: { MaskingStage() }, { [.reading(GreetingStage())] })
        try channel.writeInbound(ByteBuffer(string: "203.0.113.9\nclear"))
        #expect(try self.written(channel) == ByteBuffer(string: "clear"))
        #expect(self.record.facts.withLock { $0.map(\.name) } == ["greeting", "starttls"])
        try channel.writeInbound(ByteBuffer(string: "!"))
        #expect(try self.written(channel) == ByteBuffer(string: "!"))
        try channel.writeInbound(ByteBuffer(string: "HM"))
        #expect(self.record.facts.withLock { $0.map(\.name) } == ["greeting", "masked"])
        let packet = masked(ByteBuffer(string: "secret"))
        try channel.writeInbound(packet)
        var expected = ByteBuffer(string: "m")
        expected.writeImmutableBuffer(packet)
        #expect(try self.written(channel) == expected)
        #expect(self.outcomes == [.established])
        // A second time it is refused.
        try channel.writeInbound(masked(ByteBuffer(string: "!")))
        #expect(self.record.errors.withLock { $0 } == ["refused"])
        channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(channel.isActive)
    }

    @Test(arguments: ["x", "Hx", "H", "", "end"])
    func anUpgradeThatFailsEndsTheSession(bytes: String) throws {
        let channel = try self.channel(upgrade: { MaskingStage() }, { [] })
        try channel.writeInbound(ByteBuffer(string: "!"))
        _ = try self.written(channel)
        if bytes == "end" {
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else if !bytes.isEmpty {
            try channel.writeInbound(ByteBuffer(string: bytes))
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive && self.outcomes == [.established])
        #expect(self.record.errors.withLock { $0.count } == 1)
        // Never in clear: but for what was written before, and an alert.
        #expect(try self.written(channel) == ByteBuffer(string: bytes == "x" ? "alert" : ""))
        #expect(self.record.ended.load(ordering: .relaxed) == 0)
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
        let channel = try self.channel { [.reading(GreetingStage()), .encrypting(MaskingStage())] }
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        // More bytes give no more time.
        try channel.writeInbound(ByteBuffer(string: "203.0.113"))
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        try channel.writeInbound(ByteBuffer(string: ".9\nH"))
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1999))
        #expect(channel.isActive && self.outcomes.isEmpty)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
        #expect(self.outcomes == [.refused(EdgeFailure(.tlsTimeout, "no mask"))])
    }

    @Test func aStageThatIsSlowIsRefused() throws {
        let channel = try self.channel { [.reading(GreetingStage()), .encrypting(MaskingStage())] }
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(!channel.isActive)
        #expect(self.outcomes == [.refused(EdgeFailure(.incomplete, "no greeting"))])
    }

    @Test func anEstablishedConnectionHasNoTimer() throws {
        let channel = try self.channel { [.reading(GreetingStage()), .encrypting(MaskingStage())] }
        try channel.writeInbound(ByteBuffer(string: "203.0.113.9\nHM"))
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
                // A handshake is answered with one byte.
                let size = packet == ByteBuffer(string: "HM") ? 1 : packet.readableBytes
                while answer.readableBytes < size, var bytes = try await received.next() {
                    answer.writeBuffer(&bytes)
                }
                answers.append(answer)
            }
            return answers
        }
        try await server.close().get()
        return answers
    }

    @Test func noAnswerGoesByAStageThatEncrypts() async throws {
        // Any machine is fast enough for that.
        let deadline = StageDeadline(.hours(1), EdgeFailure(.tlsTimeout, "no mask"))
        let edge = Edge { [.encrypting(MaskingStage(deadline: deadline))] }
        let packets = (1...20).map { masked(ByteBuffer(string: "packet \($0)")) }
        let answers = try await self.echo(edge, [ByteBuffer(string: "HM")] + packets)
        #expect(answers.first == ByteBuffer(string: "m") && Array(answers.dropFirst()) == packets)
        #expect(self.record.rawWrites.load(ordering: .relaxed) == 0)
    }

    @Test func noAnswerGoesPastAConnectionThatMayBeEncrypted() async throws {
        let edge = Edge(upgrade: { MaskingStage() }, stages: { [] })
        let packets = (1...20).map { ByteBuffer(string: "packet \($0)") }
        #expect(try await self.echo(edge, packets) == packets)
        #expect(self.record.rawWrites.load(ordering: .relaxed) == 0)
    }

    @Test func answersGoByAStageThatReads() async throws {
        let edge = Edge { [.reading(OpenStage())] }
        let packets = (1...20).map { ByteBuffer(string: "packet \($0)") }
        #expect(try await self.echo(edge, packets) == packets)
        #expect(self.record.rawWrites.load(ordering: .relaxed) > 0)
    }
}
