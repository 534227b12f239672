import NIOCore
import NIOEmbedded
import Testing

@testable import RPCServer

/// Stands for the handler that encrypts.
private final class Marker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
}

@Suite struct RemoteEncryptionTests {
    @Test(arguments: [
        ("127.0.0.1", false), ("127.9.8.7", false), ("::1", false), ("::ffff:127.0.0.1", false), ("10.0.0.1", true),
        ("::ffff:10.0.0.1", true), ("2001:db8::1", true), ("1.127.0.0", true), ("192.0.2.7", false),
    ])
    func onlyThisMachineIsLeftInClear(address: String, isEncrypted: Bool) throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(RemoteEncryption { Marker() })
        channel.localAddress = try SocketAddress(ipAddress: "192.0.2.7", port: 6001)
        channel.connect(to: try SocketAddress(ipAddress: address, port: 4000), promise: nil)
        let marker = try? channel.pipeline.syncOperations.handler(type: Marker.self)
        #expect((marker != nil) == isEncrypted)
        #expect(throws: (any Error).self) {
            try channel.pipeline.syncOperations.handler(type: RemoteEncryption.self)
        }
        _ = try? channel.finish()
    }

    @Test func aSocketOfAFileIsLeftInClear() throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(RemoteEncryption { Marker() })
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/x"), promise: nil)
        #expect(throws: (any Error).self) { try channel.pipeline.syncOperations.handler(type: Marker.self) }
    }
}
