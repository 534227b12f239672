import Logging
import NIOCore
import NIOEmbedded
import NIOPosix
import NIOTLS
import RPC
import Testing

@testable import RPCServer

/// Stands for the handler that encrypts: the bytes of both directions are turned around. Each read is a handshake, too.
private final class Marker: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        context.fireChannelRead(self.wrapInboundOut(turned(self.unwrapInboundIn(data))))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(self.wrapOutboundOut(turned(self.unwrapOutboundIn(data))), promise: promise)
    }
}

private func turned(_ bytes: ByteBuffer) -> ByteBuffer {
    ByteBuffer(bytes: bytes.readableBytesView.map { ~$0 })
}

@Suite struct RemoteEncryptionTests {
    private func environment(connections: Int = 100) -> RPCEnvironment {
        RPCEnvironment(
            [RPCService("a", ["Echo": .immediate { $0.argument }])],
            RPCLimits(messageBytes: 1 << 20, connections: connections, calls: 10),
            isMeasured: false,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// A connection from another machine.
    private func connect(_ environment: RPCEnvironment) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(RemoteEncryption(environment) { [Marker()] })
        channel.connect(to: try SocketAddress(ipAddress: "10.0.0.1", port: 4000), promise: nil)
        return channel
    }

    @Test func aHandshakeHasItsTimeAndLeavesRoomForOthers() throws {
        let environment = self.environment(connections: 8)
        let first = try self.connect(environment)
        let second = try self.connect(environment)
        #expect(first.isActive && second.isActive)
        #expect(try !self.connect(environment).isActive, "a quarter of the connections")
        // One that is done makes room, and has time.
        try first.writeInbound(ByteBuffer())
        #expect(try self.connect(environment).isActive)
        first.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(first.isActive)
        second.embeddedEventLoop.advanceTime(by: RemoteEncryption.handshakeTime)
        #expect(!second.isActive)
        second.embeddedEventLoop.run()
        #expect(try self.connect(environment).isActive)
    }

    /// On real sockets, where a reply could be written past the channel's handlers.
    @Test func repliesAreEncrypted() async throws {
        let environment = self.environment()
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        RemoteEncryption(environment, timeout: .hours(1), isLocal: { _ in false }) { [Marker()] })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: group).connect(to: #require(server.localAddress)) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        let long = String(repeating: "long ", count: 50_000)
        try await client.executeThenClose { inbound, outbound in
            var bytes = inbound.makeAsyncIterator()
            var received = ByteBuffer()
            for argument in ["short", long, "short"] {
                var request = ByteBuffer()
                request.writeRPCRequest(
                    id: 1, codec: .json, name: ByteBuffer(string: "a.Echo"), argument: ByteBuffer(string: argument))
                try await outbound.write(turned(request))
                let wanted = Array(argument.utf8)
                while !received.readableBytesView.suffix(wanted.count).elementsEqual(wanted),
                    let next = try await bytes.next()
                {
                    received.writeImmutableBuffer(turned(next))
                }
                #expect(received.readableBytesView.suffix(wanted.count).elementsEqual(wanted))
            }
        }
        try await server.close()
    }

    @Test(arguments: [
        ("127.0.0.1", false), ("127.9.8.7", false), ("::1", false), ("::ffff:127.0.0.1", false), ("10.0.0.1", true),
        ("::ffff:10.0.0.1", true), ("2001:db8::1", true), ("1.127.0.0", true), ("192.0.2.7", false),
    ])
    func onlyThisMachineIsLeftInClear(address: String, isEncrypted: Bool) throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(RemoteEncryption(self.environment()) { [Marker()] })
        channel.localAddress = try SocketAddress(ipAddress: "192.0.2.7", port: 6001)
        channel.connect(to: try SocketAddress(ipAddress: address, port: 4000), promise: nil)
        let marker = try? channel.pipeline.syncOperations.handler(type: Marker.self)
        #expect((marker != nil) == isEncrypted)
        _ = try? channel.finish()
    }

    @Test func aSocketOfAFileIsLeftInClear() throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(RemoteEncryption(self.environment()) { [Marker()] })
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/x"), promise: nil)
        #expect(throws: (any Error).self) { try channel.pipeline.syncOperations.handler(type: Marker.self) }
    }
}
