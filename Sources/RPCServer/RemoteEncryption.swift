import Addresses
import NIOCore
import NIOTLS
import Sockets

/// Encrypts a connection from another machine, and leaves those of this one alone: workers and `rr` speak no TLS to it.
///
/// It adds the handler of calls, so that this one cannot write past the encryption.
final class RemoteEncryption: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    /// How long a handshake may take.
    static let handshakeTime = TimeAmount.seconds(10)

    private let environment: RPCEnvironment
    private let timeout: TimeAmount
    private let isLocal: (any Channel) -> Bool
    private let makeHandlers: @Sendable () -> [any ChannelHandler]
    private var timer: Scheduled<Void>?

    init(
        _ environment: RPCEnvironment,
        timeout: TimeAmount = RemoteEncryption.handshakeTime,
        isLocal: @escaping (any Channel) -> Bool = RemoteEncryption.isFromThisMachine,
        _ makeHandlers: @escaping @Sendable () -> [any ChannelHandler]
    ) {
        self.environment = environment
        self.timeout = timeout
        self.isLocal = isLocal
        self.makeHandlers = makeHandlers
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.endHandshake()
    }

    /// Nothing has been read yet.
    func channelActive(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            guard !self.isLocal(context.channel) else {
                try pipeline.addHandler(RPCConnection(self.environment, .direct), position: .after(self))
                context.fireChannelActive()
                pipeline.removeHandler(context: context, promise: nil)
                return
            }
            guard self.environment.beginHandshake() else {
                context.close(promise: nil)
                return
            }
            self.timer = context.eventLoop.assumeIsolated().scheduleTask(in: self.timeout) {
                context.close(promise: nil)
            }
            try pipeline.addHandler(RPCConnection(self.environment, .throughChannel), position: .after(self))
            try pipeline.addHandlers(self.makeHandlers(), position: .before(self))
            context.fireChannelActive()
        } catch {
            // Never in clear.
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.endHandshake()
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func endHandshake() {
        if let timer {
            timer.cancel()
            self.timer = nil
            self.environment.endHandshake()
        }
    }

    /// Whether the other end is on loopback, has this end's own address, or is on a unix socket.
    static func isFromThisMachine(_ channel: any Channel) -> Bool {
        guard let remote = channel.remoteAddress else {
            return false
        }
        guard let ip = remote.ip else {
            return true
        }
        let text = "\(ip)"
        return text.hasPrefix("127.") || text == "::1" || ip == channel.localAddress?.ip
    }
}
