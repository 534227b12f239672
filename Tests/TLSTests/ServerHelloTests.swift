import NIOCore
import Testing

@testable import TLS

@Suite struct ServerHelloTests {
    /// A hello in a record, with a session's ID of a length.
    static func hello(session: Int, cipher: UInt16 = 0xCCA9) -> [UInt8] {
        [22, 3, 3, 0, 0, 2, 0, 0, 0, 3, 3] + [UInt8](repeating: 7, count: 32) + [UInt8(session)]
            + [UInt8](repeating: 1, count: session) + [UInt8(cipher >> 8), UInt8(cipher & 0xFF), 0]
    }

    static func cipher(_ bytes: [UInt8]) -> UInt16? {
        // Indices do not begin at 0.
        var buffer = ByteBuffer(bytes: [9, 9] + bytes)
        buffer.moveReaderIndex(forwardBy: 2)
        return ServerHello.cipher(buffer.readableBytesView)
    }

    @Test(arguments: [0, 1, 32, 255])
    func theCipherIsRead(session: Int) {
        #expect(Self.cipher(Self.hello(session: session)) == 0xCCA9)
        #expect(ServerHello.name(ofCipher: 0xCCA9) == "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")
    }

    @Test func whatIsNoHelloHasNone() {
        let hello = Self.hello(session: 32)
        for count in 0..<hello.count - 1 {
            #expect(Self.cipher(Array(hello.prefix(count))) == nil)
        }
        #expect(Self.cipher([21] + hello.dropFirst()) == nil, "an alert")
        #expect(Self.cipher(hello.prefix(5) + [11] + hello.dropFirst(6)) == nil, "another message")
        #expect(ServerHello.name(ofCipher: 0x0005) == nil)
    }
}
