import NIOCore
import NIOSSL

/// A client of this machine's own service, as an orchestrator is one: it asks whether there is an answer, and whoever can
/// take the service's place here could as well answer in clear. So it verifies nobody.
package enum TLSProbe {
    /// Makes the handler of one connection.
    package static var encryption: @Sendable () -> any ChannelHandler {
        get throws {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            let context = try NIOSSLContext(configuration: configuration)
            return {
                // Throws for names only.
                (try? NIOSSLClientHandler(context: context, serverHostname: nil)) ?? Refusal()
            }
        }
    }

    /// Closes its channel.
    private final class Refusal: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelActive(context: ChannelHandlerContext) {
            context.close(promise: nil)
        }
    }
}
