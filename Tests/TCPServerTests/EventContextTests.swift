import Edge
import Foundation
import NIOCore
import Testing
import Text

@testable import TCPServer

@Suite struct EventContextTests {
    private let id = ConnectionID("0b5e9d3c-2a1f-4c6d-8e7f-0123456789ab")!

    @Test(arguments: [
        ("127.0.0.1", 51234, "127.0.0.1:51234"),
        ("::1", 51234, "[::1]:51234"),
        ("2001:db8::8a2e:370:7334", 1, "[2001:db8::8a2e:370:7334]:1"),
        ("0.0.0.0", 0, "0.0.0.0:0"),
        ("255.250.109.10", 100, "255.250.109.10:100"),
        ("::ffff:192.0.2.7", 65535, "192.0.2.7:65535"),
        ("2001:db8::ffff:192.0.2.7", 1, "[2001:db8::ffff:c000:207]:1"),
        ("::", 80, "[::]:80"),
    ])
    func addressesAreWrittenAsGoDoes(host: String, port: Int, text: String) throws {
        #expect(self.written(try SocketAddress(ipAddress: host, port: port)) == text)
    }

    @Test func clientsOfUnixSocketsHaveNoAddress() throws {
        #expect(self.written(try SocketAddress(unixDomainSocketPath: "/tmp/x.sock")) == "@")
        #expect(self.written(nil) == "@")
    }

    private func written(_ address: SocketAddress?) -> String {
        EventContext(remoteAddress: address, server: [], id: self.id).remoteAddress
    }

    private func text(_ context: EventContext, _ kind: EventKind) -> String {
        var buffer = ByteBuffer()
        let length = context.length(kind)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { pointer in
            var rest = UnsafeMutableRawBufferPointer(rebasing: pointer[..<length])
            context.write(kind, to: &rest)
            #expect(rest.isEmpty)
            return length
        }
        return String(buffer: buffer)
    }

    @Test(arguments: EventKind.allCases, [[], [TransportFact("a", .text("b"))]])
    func aMoveIsToldLast(kind: EventKind, facts: [TransportFact]) {
        let context = EventContext(remoteAddress: nil, server: Array("\"x\"".utf8), id: self.id, facts: facts)
        var buffer = ByteBuffer()
        _ = context.writeFrame(kind, body: ByteBuffer(string: "body"), hasMoved: true, into: &buffer)
        #expect(buffer.readableBytes == context.frameLength(kind, body: ByteBuffer(string: "body"), mayMove: true))
        let text = String(String(buffer: buffer).suffix(context.movedLength(kind) + 4))
        #expect(text == self.text(context, kind).dropLast() + ",\"moved\":true}body")
    }

    @Test(arguments: EventKind.allCases)
    func theKeysAreInRoadRunnersOrder(kind: EventKind) throws {
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 51234)
        let start =
            "{\"remote_addr\":\"127.0.0.1:51234\",\"server\":\"smtp\","
            + "\"uuid\":\"0b5e9d3c-2a1f-4c6d-8e7f-0123456789ab\",\"event\":\"\(kind.rawValue)\""
        let context = EventContext(remoteAddress: address, server: Array("smtp".jsonQuoted.utf8), id: self.id)
        #expect(self.text(context, kind) == start + "}")
        let facts = [
            TransportFact("peer", .text("192.0.2.1:7")), TransportFact("a\"b", .text("")),
            TransportFact(
                "tls",
                .object([
                    TransportFact("verified", .flag(true)), TransportFact("san", .list([.text("x\n"), .text("y")])),
                    TransportFact("bits", .number(-7)), TransportFact("none", .object([])),
                ])),
        ]
        let other = EventContext(
            remoteAddress: address,
            server: Array("smtp".jsonQuoted.utf8),
            id: self.id,
            facts: facts
        )
        let end = #","peer":"192.0.2.1:7","a\"b":"","tls":{"verified":true,"san":["x\n","y"],"bits":-7,"none":{}}}"#
        #expect(self.text(other, kind) == start + end)
    }

    @Test(arguments: [
        "smtp", "", "with \"quotes\"", "back\\slash", "line\nend\r\t", "\u{0}\u{1}\u{1F}", "Größe 😀", "\u{7F}\u{2028}",
        "/",
    ])
    func anyServerNameIsJSON(_ name: String) throws {
        let context = EventContext(remoteAddress: nil, server: Array(name.jsonQuoted.utf8), id: self.id)
        let json = Data(self.text(context, .data).utf8)
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: String])
        #expect(object["server"] == name)
        #expect(object["remote_addr"] == "@")
        #expect(object["event"] == "DATA")
        #expect(object.count == 4)
    }

    @Test(arguments: ["smtp", "a\"b\\c", ""])
    func theAddressIsReadBackForTheLog(server: String) throws {
        for host in ["127.0.0.1", "::1"] {
            let context = EventContext(
                remoteAddress: try SocketAddress(ipAddress: host, port: 1025),
                server: Array(server.jsonQuoted.utf8),
                id: self.id
            )
            #expect(context.remoteAddress == (host == "::1" ? "[::1]:1025" : "127.0.0.1:1025"))
        }
        #expect(EventContext().remoteAddress == "")
    }
}
