import Addresses
import Logging
import NIOCore
import NIOEmbedded
import Sockets
import Synchronization
import Testing
import WorkerPool

@testable import Edge
@testable import TCPServer
@testable import WorkerPool

/// Connections on one embedded loop, and a pool whose workers answer when they are told to.
final class HandlerBench {
    let loop = EmbeddedEventLoop()
    let home: LoopConnections
    let pool: WorkerPool
    let worker: ScriptedWorker
    let counters = CountersByServer(loopCount: 2)
    let environment: ConnectionEnvironment

    init(
        framing: FramingMode = .split,
        limit: Int = 1 << 20,
        readBufferSize: Int = 1 << 16,
        maxQueueSize: Int = 0,
        edge: Edge = .open,
        configure: (inout ListenerConfiguration) -> Void = { _ in }
    ) {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.pool = WorkerPool(
            configuration: .init(numWorkers: 1, maxQueueSize: maxQueueSize),
            launcher: NoLauncher(),
            loops: [self.loop],
            logger: logger
        )
        self.home = LoopConnections(
            eventLoop: self.loop,
            loopIndex: 0,
            limit: ConnectionLimit(),
            pendingAnswers: self.pool.pendingAnswers
        )
        var configuration = ListenerConfiguration(
            server: "echo",
            address: .unix(path: "/nowhere"),
            framing: PacketFraming(mode: framing, delimiter: Array("\r\n".utf8), maximumPacketSize: limit),
            readBufferSize: readBufferSize
        )
        configuration.edge = edge
        configure(&configuration)
        self.environment =
            CurrentEnvironment(configuration, pool: self.pool, counters: self.counters, logger: logger).value
        self.worker = ScriptedWorker(self.pool)
        self.worker.start()
    }

    /// A connection that is in no pipeline.
    func handler() -> ConnectionHandler {
        ConnectionHandler(self.environment, home: self.home, Entrance())
    }

    /// A client connects.
    func connect() throws -> HandlerChannel {
        try HandlerChannel(self.environment, self.home, loop: self.loop)
    }

    /// A client whose CONNECTED is answered with `CONTINUE`.
    func connected() throws -> HandlerChannel {
        let channel = try self.connect()
        self.worker.answer("CONTINUE")
        return channel
    }
}

/// A client's channel, and the calls that were made on it.
final class HandlerChannel {
    let channel: EmbeddedChannel
    let recorder = OutboundRecorder()

    init(_ environment: ConnectionEnvironment, _ home: LoopConnections, loop: EmbeddedEventLoop) throws {
        self.channel = EmbeddedChannel(loop: loop)
        try self.channel.pipeline.syncOperations.addHandler(self.recorder)
        try environment.edge.admit(self.channel, to: ConnectionMaker(environment: environment, home: home))
        self.channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), promise: nil)
    }

    func receive(_ text: String) throws {
        try self.channel.writeInbound(ByteBuffer(string: text))
    }

    /// The client sees the server's end, and ends its own side.
    func noticeEnd(location: SourceLocation = #_sourceLocation) {
        #expect(self.recorder.closes == [.output], "the client is told of the end first", sourceLocation: location)
        self.endInput()
        #expect(!self.channel.isActive, sourceLocation: location)
    }

    /// The client ends its side.
    func endInput() {
        self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// The client goes away.
    func disconnect() {
        self.channel.close(promise: nil)
        self.channel.embeddedEventLoop.run()
    }

    func setWritable(_ isWritable: Bool) {
        self.channel.isWritable = isWritable
        self.channel.pipeline.fireChannelWritabilityChanged()
    }

    /// All that was written since the last time.
    func written() throws -> String {
        var text = ""
        while let bytes = try self.channel.readOutbound(as: ByteBuffer.self) {
            text += String(buffer: bytes)
        }
        return text
    }
}

/// Counts reads, and closes what is to be closed only as far as it says.
final class OutboundRecorder: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var reads = 0
    private(set) var closes: [CloseMode] = []
    /// Whether the client takes no written byte.
    var holdsFlushes = false
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func flush(context: ChannelHandlerContext) {
        if !self.holdsFlushes {
            context.flush()
        }
    }

    /// The client takes all that was written.
    func release() {
        self.holdsFlushes = false
        self.context?.flush()
    }

    func read(context: ChannelHandlerContext) {
        self.reads += 1
        context.read()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        self.closes.append(mode)
        if mode == .all {
            context.close(mode: mode, promise: promise)
        } else {
            promise?.succeed()
        }
    }
}

/// The only worker of a pool.
final class ScriptedWorker: WorkerHandle, @unchecked Sendable {
    let loopIndex = 0
    let processID: Int32? = nil
    let residentMemory: Int? = nil
    private let inbox = Mutex<[any PoolRequest]>([])
    /// The frame of the event that it has.
    private var frame = ByteBuffer()
    /// Every event that it got.
    private(set) var log: [String] = []
    private let pool: WorkerPool
    private var id = WorkerID(place: 0, generation: 0)

    init(_ pool: WorkerPool) {
        self.pool = pool
    }

    func start() {
        self.pool.state.withLock { _ = $0.machine.start() }
        self.launch(WorkerID(place: 0, generation: 1))
    }

    private func launch(_ id: WorkerID) {
        self.id = id
        _ = self.pool.state.withLock { $0.machine.launch(id) }
        self.pool.workerStarted(id, self)
        self.pool.workerReady(id, self)
    }

    func enqueue(_ request: any PoolRequest) {
        self.inbox.withLock { $0.append(request) }
    }

    func serve() {
        let request = self.inbox.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let request else {
            return
        }
        self.frame.clear()
        let rest = request.write(into: &self.frame, for: self.id)
        self.frame.writeImmutableBuffer(rest ?? ByteBuffer())
        var frame = self.frame
        frame.moveReaderIndex(forwardBy: 12)
        let context = frame.readInteger(endianness: .little, as: UInt32.self).flatMap {
            frame.readString(length: Int($0))
        }
        let kind = EventKind.allCases.first { context?.hasSuffix("\"\($0.rawValue)\"}") == true }
        self.log.append(kind == .data ? "DATA \(String(buffer: frame))" : kind?.rawValue ?? "?")
    }

    func stop(timeout: TimeAmount) {}

    func kill() {}

    /// The context of the event that it has, as JSON.
    var context: String {
        var frame = self.frame
        frame.moveReaderIndex(forwardBy: min(16, frame.readableBytes))
        return String(buffer: frame)
    }

    func answer(_ context: String, _ body: String = "") {
        self.frame.clear()
        let answer = WorkerAnswer.reply(context: ByteBuffer(string: context), body: ByteBuffer(string: body))
        self.pool.workerAnswered(self.id, answer)
    }

    /// It dies with its request; another one takes its place.
    func die() {
        self.frame.clear()
        self.pool.workerFailed(self.id, WorkerFailure(.exit, "gone"), begun: 1)
        self.launch(WorkerID(place: self.id.place, generation: self.id.generation + 2))
    }
}

struct NoLauncher: WorkerLauncher {
    func run(_ id: WorkerID, slot: Int, events: any WorkerEvents) async {}
}
