import Addresses
import NIOCore
import Sockets

/// Encrypts a connection from another machine, and leaves those of this one alone: workers and `rr` speak no TLS to it.
final class RemoteEncryption: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let makeHandler: @Sendable () -> any ChannelHandler

    init(_ makeHandler: @escaping @Sendable () -> any ChannelHandler) {
        self.makeHandler = makeHandler
    }

    /// Nothing has been read yet.
    func channelActive(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            if !Self.isFromThisMachine(context.channel) {
                try pipeline.addHandler(self.makeHandler(), position: .before(self))
            }
        } catch {
            // Never in clear.
            context.close(promise: nil)
        }
        context.fireChannelActive()
        pipeline.removeHandler(context: context, promise: nil)
    }

    /// Whether the other end is on loopback, has this end's own address, or is on a unix socket.
    private static func isFromThisMachine(_ channel: any Channel) -> Bool {
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
