import Foundation
import NIOCore
import Testing
import Text

@testable import TCPServer

@Suite struct EventContextTests {
    private let uuid = Array("0b5e9d3c-2a1f-4c6d-8e7f-0123456789ab".utf8)

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
        EventContext.identity(prefix: EventContext.prefix(remoteAddress: address, server: [], uuid: self.uuid))
            .remoteAddress
    }

    @Test func theKeysAreInRoadRunnersOrder() throws {
        let prefix = EventContext.prefix(
            remoteAddress: try SocketAddress(ipAddress: "127.0.0.1", port: 51234),
            server: Array("smtp".jsonQuoted.utf8),
            uuid: self.uuid
        )
        let expected =
            "{\"remote_addr\":\"127.0.0.1:51234\",\"server\":\"smtp\","
            + "\"uuid\":\"0b5e9d3c-2a1f-4c6d-8e7f-0123456789ab\",\"event\":\""
        #expect(String(decoding: prefix, as: UTF8.self) == expected)
    }

    @Test(arguments: [
        "smtp", "", "with \"quotes\"", "back\\slash", "line\nend\r\t", "\u{0}\u{1}\u{1F}", "Größe 😀", "\u{7F}\u{2028}",
        "/",
    ])
    func anyServerNameIsJSON(_ name: String) throws {
        let text = EventContext.prefix(remoteAddress: nil, server: Array(name.jsonQuoted.utf8), uuid: self.uuid)
        let json = Data(text + Array("DATA\"}".utf8))
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: String])
        #expect(object["server"] == name)
        #expect(object["remote_addr"] == "@")
        #expect(object["event"] == "DATA")
        #expect(object.count == 4)
    }

    @Test(arguments: ["smtp", "a\"b\\c", ""])
    func theIdentityIsReadBackForTheLog(server: String) throws {
        for host in ["127.0.0.1", "::1"] {
            let address = try SocketAddress(ipAddress: host, port: 1025)
            let prefix = EventContext.prefix(
                remoteAddress: address,
                server: Array(server.jsonQuoted.utf8),
                uuid: self.uuid
            )
            let identity = EventContext.identity(prefix: prefix)
            #expect(identity.remoteAddress == (host == "::1" ? "[::1]:1025" : "127.0.0.1:1025"))
            #expect(identity.uuid == String(decoding: self.uuid, as: UTF8.self))
        }
    }

    @Test func withoutAPrefixThereIsNoIdentity() {
        let identity = EventContext.identity(prefix: [])
        #expect(identity.remoteAddress == "")
        #expect(identity.uuid == "")
    }
}

@Suite struct UUIDGeneratorTests {
    @Test func theyAreVersionFourInLowerCase() {
        var generator = UUIDGenerator()
        for _ in 0..<1000 {
            let text = String(decoding: generator.next(), as: UTF8.self)
            let groups = text.split(separator: "-", omittingEmptySubsequences: false)
            #expect(groups.map(\.count) == [8, 4, 4, 4, 12])
            #expect(text.allSatisfy { "0123456789abcdef-".contains($0) })
            #expect(groups[2].first == "4")
            #expect(groups[3].first.map { "89ab".contains($0) } == true)
            #expect(UUID(uuidString: text) != nil)
        }
    }

    @Test func noTwoAreTheSame() {
        var generator = UUIDGenerator()
        #expect(Set((0..<10_000).map { _ in generator.next() }).count == 10_000)
    }

    @Test func everyOtherBitIsRandom() {
        var generator = UUIDGenerator()
        var digits = Array(repeating: Set<UInt8>(), count: 36)
        for _ in 0..<2000 {
            for (position, digit) in generator.next().enumerated() {
                digits[position].insert(digit)
            }
        }
        for position in digits.indices {
            let expected =
                switch position {
                case 8, 13, 18, 23, 14: 1
                case 19: 4
                default: 16
                }
            #expect(digits[position].count == expected, "digit \(position)")
        }
    }
}
