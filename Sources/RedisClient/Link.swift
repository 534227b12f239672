import Addresses
import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// The connection to one server: carries out what ``LinkStateMachine`` decides. Confined to its event loop.
final class Link: @unchecked Sendable {
    /// What the owner is told, on the event loop.
    struct Events {
        var completed: (Call, RESPValue) -> Void = { _, _ in }
        var failed: (Call, RedisError, _ isUnknown: Bool) -> Void = { _, _, _ in }
        /// The connection failed, each time.
        var broke: () -> Void = {}
        var lost: (RedisError) -> Void = { _ in }
        var reached: () -> Void = {}
        /// In the channel that the greeting names.
        var heard: () -> Void = {}
    }

    let address: ListenAddress
    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let events: Events
    private var machine: LinkStateMachine
    /// The attempts to connect so far: what belongs to an earlier one comes too late.
    private var attempt = 0
    private var channel: (any Channel)?
    /// Commands that are written at the end of the loop's turn.
    private var outgoing = ByteBuffer()
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    init(
        to address: ListenAddress,
        _ configuration: RedisConfiguration,
        _ greeting: Greeting,
        on eventLoop: any EventLoop,
        events: Events
    ) {
        self.address = address
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.events = events
        self.machine = LinkStateMachine(configuration, greeting: greeting, name: Self.name(address))
    }

    private static func name(_ address: ListenAddress) -> String {
        switch address {
        case .tcp: "\(address.dialled)"
        case .unix(let path): path
        }
    }

    /// Whether no reply is awaited.
    var isIdle: Bool { self.machine.isIdle }

    func start() {
        self.perform(self.machine.start(now: .now()))
    }

    func submit(_ call: Call) {
        self.perform(self.machine.submit(call, now: .now()))
    }

    /// Gives the connection up and makes it anew.
    func restart(_ error: RedisError) {
        self.perform(self.machine.failed(error, now: .now()))
    }

    /// Takes the calls that wait for the connection.
    func giveBack() -> [Call] {
        self.machine.giveBack()
    }

    func close() {
        self.perform(self.machine.close())
        self.timer?.task.cancel()
        self.timer = nil
    }

    // MARK: Actions

    private func perform(_ actions: [LinkStateMachine.Action]) {
        for action in actions {
            switch action {
            case .connect: self.connect()
            case .greet(let command): self.write(command)
            case .write(let call):
                if call.isAsking {
                    self.write(RedisCommand(["ASKING"]))
                }
                self.write(call.command)
            case .complete(let call, let reply): self.events.completed(call, reply)
            case .fail(let call, let error, let isUnknown): self.events.failed(call, error, isUnknown)
            case .disconnect: self.disconnect()
            case .pause(let time):
                self.eventLoop.assumeIsolated().scheduleTask(in: time) {
                    self.perform(self.machine.pauseEnded(now: .now()))
                }
            case .tellLost(let error): self.events.lost(error)
            case .tellFailed: self.events.broke()
            case .tellReached: self.events.reached()
            case .tellHeard: self.events.heard()
            }
        }
        self.arm()
    }

    private func arm() {
        guard let deadline = self.machine.deadline else { return }
        if let timer {
            // An early timer finds nothing to do and sets the next one.
            guard deadline < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            self.perform(self.machine.timeReached(now: .now()))
        }
        self.timer = (deadline, task)
    }

    // MARK: The channel

    private func connect() {
        self.attempt += 1
        let attempt = self.attempt
        var bootstrap = ClientBootstrap(group: self.eventLoop)
            .connectTimeout(self.configuration.dialTimeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls = self.configuration.tls {
                        let name = self.address.serverName
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try channel.pipeline.syncOperations.addHandler(LinkHandler(self, attempt))
                }
            }
        if self.address.isTCP {
            // A server that is gone without a word is noticed within a minute and a half, even if nothing is asked of it.
            bootstrap =
                bootstrap
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .channelOption(.tcpOption(NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE)), value: 60)
                .channelOption(.tcpOption(NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)), value: 10)
                .channelOption(.tcpOption(NIOBSDSocket.Option(rawValue: TCP_KEEPCNT)), value: 3)
        }
        let connecting: EventLoopFuture<any Channel> =
            switch self.address.dialled {
            case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        connecting.hop(to: self.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                guard attempt == self.attempt else { return channel.close(promise: nil) }
                self.channel = channel
                self.perform(self.machine.connected())
            case .failure(let error):
                self.failed(attempt, "dial", self.reason(error, of: "connect"))
            }
        }
    }

    private func disconnect() {
        self.attempt += 1
        self.outgoing.clear()
        self.channel?.close(promise: nil)
        self.channel = nil
    }

    private func write(_ command: RedisCommand) {
        if self.outgoing.readableBytes == 0 {
            self.eventLoop.assumeIsolated().execute { self.flush() }
        }
        command.write(to: &self.outgoing)
    }

    private func flush() {
        guard let channel, self.outgoing.readableBytes > 0 else { return }
        let bytes = self.outgoing
        self.outgoing = ByteBuffer()
        let attempt = self.attempt
        let written = self.machine.written
        channel.writeAndFlush(bytes).assumeIsolated().whenSuccess {
            guard attempt == self.attempt else { return }
            self.machine.flushed(written, now: .now())
            self.arm()
        }
    }

    fileprivate func received(_ reply: RESPValue, _ attempt: Int) {
        guard attempt == self.attempt else { return }
        self.perform(self.machine.received(reply, now: .now()))
    }

    fileprivate func ended(_ error: (any Error)?, _ attempt: Int) {
        self.failed(attempt, "read", error.map { self.reason($0, of: "read") } ?? "EOF")
    }

    private func failed(_ attempt: Int, _ operation: String, _ reason: String) {
        guard attempt == self.attempt else { return }
        let error = RedisError(.network, "\(operation) tcp \(Self.name(self.address)): \(reason)")
        self.perform(self.machine.failed(error, now: .now()))
    }
}

/// Takes replies from a connection to its link.
private final class LinkHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    private let link: Link
    private let attempt: Int
    private var decoder = RESPDecoder()
    private var error: (any Error)?

    init(_ link: Link, _ attempt: Int) {
        self.link = link
        self.attempt = attempt
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.decoder.append(self.unwrapInboundIn(data))
        do {
            while let reply = try self.decoder.next() {
                self.link.received(reply, self.attempt)
            }
        } catch {
            self.errorCaught(context: context, error: error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.link.ended(self.error, self.attempt)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.error == nil {
            self.error = error
        }
        context.close(promise: nil)
    }
}
