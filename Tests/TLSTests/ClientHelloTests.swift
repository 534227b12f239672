import TestSupport
import Testing

@testable import TLS

@Suite struct ClientHelloTests {
    /// A hello with a name, or none, cut into records of so many bytes.
    static func hello(_ name: String?, recordSize: Int = 16_000, padding: Int = 0) -> [UInt8] {
        func vector(_ size: Int, _ content: [UInt8]) -> [UInt8] {
            (0..<size).reversed().map { UInt8(content.count >> (8 * $0) & 0xFF) } + content
        }
        var extensions: [UInt8] = [0, 43] + vector(2, [2, 3, 4])
        if let name {
            extensions += [0, 0] + vector(2, vector(2, [0] + vector(2, Array(name.utf8))))
        }
        extensions += [0, 21] + vector(2, [UInt8](repeating: 0, count: padding))
        let body: [UInt8] =
            [3, 3] + [UInt8](repeating: 7, count: 32) + vector(1, [1, 2, 3]) + vector(2, [0x13, 1]) + vector(1, [0])
            + vector(2, extensions)
        let message: [UInt8] = [1] + vector(3, body)
        return stride(from: 0, to: message.count, by: recordSize).flatMap { start in
            [22, 3, 1] + vector(2, Array(message[start..<min(start + recordSize, message.count)]))
        }
    }

    @Test func theNameIsRead() {
        #expect(ClientHello(Self.hello("Mail.Example.COM")) == .complete(serverName: "mail.example.com"))
        #expect(ClientHello(Self.hello(nil)) == .complete(serverName: nil))
        #expect(ClientHello(Self.hello("one\0two")) == .complete(serverName: nil), "no name of a host")
        #expect(ClientHello(Self.hello("a.b", recordSize: 3)) == .complete(serverName: "a.b"))
    }

    @Test func everyPrefixIsIncomplete() {
        for recordSize in [7, 16_000] {
            let hello = Self.hello("mail.example.com", recordSize: recordSize)
            for count in hello.indices {
                guard case .incomplete(let wanted) = ClientHello(hello.prefix(count)) else {
                    Issue.record("\(count)")
                    continue
                }
                #expect((count + 1...hello.count).contains(wanted), "\(count)")
            }
            #expect(ClientHello(hello + [1, 2, 3]) == .complete(serverName: "mail.example.com"))
        }
    }

    @Test func otherProtocolsAreNamed() {
        let cases = [
            "GET / HTTP/1.1\r\n": "the client spoke HTTP", "PRI * HTTP/2.0": "the client spoke HTTP",
            "SSH-2.0-x": "the client spoke SSH", "EHLO x\r\n": "the client spoke SMTP",
            "PROXY TCP4 1": "the client spoke the PROXY protocol", "hello": "the client did not speak TLS",
            "\u{1}\u{2}": "the client did not speak TLS",
        ]
        for (bytes, text) in cases {
            #expect(ClientHello(Array(bytes.utf8)) == .foreign(text), "\(bytes)")
        }
        #expect(ClientHello([22, 2, 0, 0, 1, 1]) == .foreign("the client sent a broken hello"))
        #expect(ClientHello([22, 3, 1, 0, 0]) == .foreign("the client sent a broken hello"))
        #expect(ClientHello([22, 3, 1, 0, 1, 2]) == .foreign("the client did not begin with a hello"))
    }

    @Test func aLongHelloIsBounded() {
        #expect(ClientHello(Self.hello("a.b", padding: 15_000)) == .complete(serverName: "a.b"))
        #expect(ClientHello(Self.hello("a.b", padding: 30_000)) == .foreign("the client's hello is too long"))
        // One byte in each record would go on for long.
        let byte: [UInt8] = [22, 3, 1, 0, 1, 0]
        let dribble: [UInt8] = [22, 3, 1, 0, 4, 1, 0, 0x40, 0] + Array(repeatElement(byte, count: 4000).joined())
        #expect(ClientHello(dribble) == .foreign("the client's hello is too long"))
    }

    @Test func anythingIsRead() {
        var generator = SeededGenerator(seed: 16)
        let hello = Self.hello("mail.example.com", recordSize: 40)
        for _ in 0..<20_000 {
            var bytes = Array(hello.prefix(Int.random(in: 1...hello.count, using: &generator)))
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            _ = ClientHello(bytes)
        }
    }
}
