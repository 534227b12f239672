import NIOCore

/// The server's own hello, which goes out in clear (RFC 8446, 4.1.3; RFC 5246, 7.4.1.3).
enum ServerHello {
    /// The cipher that was agreed; `nil` if the bytes are no hello.
    ///
    /// - Parameter bytes: The first ones that the server sends.
    static func cipher(_ bytes: ByteBufferView) -> UInt16? {
        // A record's type, version and length; a message's type and length; a version and 32 random bytes; a session's ID.
        let session = bytes.startIndex + 43
        guard bytes.count > 43, bytes.first == 22, bytes[bytes.startIndex + 5] == 2 else { return nil }
        let cipher = session + 1 + Int(bytes[session])
        guard cipher + 1 < bytes.endIndex else { return nil }
        return UInt16(bytes[cipher]) << 8 | UInt16(bytes[cipher + 1])
    }

    /// The name of a cipher in IANA's registry, of those that ``TLSContexts`` allows.
    static func name(ofCipher cipher: UInt16) -> String? {
        switch cipher {
        case 0x1301: "TLS_AES_128_GCM_SHA256"
        case 0x1302: "TLS_AES_256_GCM_SHA384"
        case 0x1303: "TLS_CHACHA20_POLY1305_SHA256"
        case 0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        case 0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        case 0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        case 0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        case 0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
        case 0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
        default: nil
        }
    }
}

/// Reads the agreed cipher on its way to the client, as the library does not tell it, and leaves the pipeline.
final class CipherTap: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = ByteBuffer

    /// `nil` before the server's hello.
    private(set) var cipher: UInt16?
    private var hasSeenFirst = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if !self.hasSeenFirst {
            self.hasSeenFirst = true
            self.cipher = ServerHello.cipher(self.unwrapOutboundIn(data).readableBytesView)
        }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        if self.hasSeenFirst {
            // Not in `write`: the flush that follows it would be lost.
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }
}
