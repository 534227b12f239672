import Addresses
import NIOCore
import TestSupport
import Testing

@testable import Edge

/// Builds headers of version 2.
struct BinaryHeader {
    var versionAndCommand: UInt8 = 0x21
    var family: UInt8 = 0x11
    /// 192.0.2.1:51234 to 192.0.2.2:25.
    var addresses: [UInt8] = [192, 0, 2, 1, 192, 0, 2, 2, 0xC8, 0x22, 0, 25]
    var fields: [UInt8] = []
    var length: Int?

    static func field(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
        [type, UInt8(value.count >> 8), UInt8(value.count & 0xFF)] + value
    }

    var bytes: [UInt8] {
        let rest = self.addresses + self.fields
        let length = self.length ?? rest.count
        return ProxyHeader.binaryStart
            + [self.versionAndCommand, self.family, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + rest
    }

    /// With its checksum as the last field.
    var checked: [UInt8] {
        var header = self
        header.fields += Self.field(0x03, [0, 0, 0, 0])
        var bytes = header.bytes
        let checksum = CRC32C.checksum(bytes)
        bytes.replaceSubrange((bytes.count - 4)..., with: withUnsafeBytes(of: checksum.bigEndian) { Array($0) })
        return bytes
    }
}

@Suite struct ProxyHeaderTests {
    private func parse(
        _ bytes: some Sequence<UInt8>, _ versions: ProxyHeader.Versions = [.text, .binary]
    ) throws(EdgeFailure) -> ProxyHeader? {
        try ProxyHeader.parse(ByteBuffer(bytes: bytes), versions)
    }

    private func parse(_ text: String) throws(EdgeFailure) -> ProxyHeader? {
        try self.parse(text.utf8)
    }

    private func cause(_ bytes: some Sequence<UInt8>, _ versions: ProxyHeader.Versions = [.text, .binary]) -> String? {
        do throws(EdgeFailure) {
            return try self.parse(bytes, versions) == nil ? "incomplete" : nil
        } catch {
            return error.cause.rawValue
        }
    }

    // MARK: Version 1

    @Test(arguments: [
        ("PROXY TCP4 192.0.2.1 192.0.2.2 51234 25\r\n", "192.0.2.1", 51234),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65535),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 0 25\r\n", "192.0.2.1", 0),
        ("PROXY TCP6 2001:db8::1 ::1 7 25\r\n", "2001:db8::1", 7),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::1 7 25\r\n", "192.0.2.1", 7),
    ])
    func aLineNamesTheClient(line: String, address: String, port: Int) throws {
        let header = try #require(try self.parse(line + "EHLO x\r\n"))
        #expect(header.length == line.utf8.count && header.facts.isEmpty)
        #expect(header.client?.address == IPAddress(address))
        #expect(header.client.map { Int($0.port) } == port)
    }

    @Test(arguments: [
        "PROXY UNKNOWN\r\n", "PROXY UNKNOWN 1.2.3.4 anything  at all\r\n",
        "PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n",
    ])
    func aLineMayNameNobody(line: String) throws {
        #expect(try self.parse(line) == ProxyHeader(length: line.utf8.count))
    }

    @Test(arguments: [
        "PROXY TCP4 192.0.2.1 192.0.2.2 51234 25\n", "PROXY TCP4 192.0.2.1 192.0.2.2 51234 25\r\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 51234\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 51234 25 1\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 51234 25\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 51234 25 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.256 51234 25\r\n", "PROXY TCP4 192.0.02.1 192.0.2.2 51234 25\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 051 25\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 25\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 +25\r\n",
        "PROXY TCP4 ::1 ::1 1 25\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 25\r\n",
        "PROXY TCP6 fe80::1%lo ::1 1 25\r\n", "PROXY TCP6 [::1] ::1 1 25\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 25\r\n",
        "PROXY \r\n", "PROXY  UNKNOWN\r\n", "PROXY UNKNOWN2\r\n", "PROXY tcp4 192.0.2.1 192.0.2.2 51234 25\r\n",
        "PROXY TCP4 192.0.2.1\u{0} 192.0.2.2 51234 25\r\n", "PROXY UNKNOWN " + String(repeating: "x", count: 93),
        "PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n",
    ])
    func aLineThatIsNotExactIsRefused(line: String) {
        #expect(self.cause(line.utf8) == "proxy_malformed")
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n", "PROXX", "\r\n\r\n\r\n", "Q", "proxy TCP4", "\u{16}\u{3}\u{1}"])
    func nothingIsGuessed(text: String) {
        #expect(self.cause(text.utf8) == "proxy_missing")
    }

    @Test func onlyTheVersionsThatAreWantedAreUnderstood() {
        let (line, binary) = (Array("PROXY UNKNOWN\r\n".utf8), BinaryHeader().bytes)
        #expect(self.cause(line, [.text]) == nil && self.cause(binary, [.binary]) == nil)
        #expect(self.cause(line, [.binary]) == "proxy_missing" && self.cause(binary, [.text]) == "proxy_missing")
        #expect(self.cause(line.prefix(1), [.binary]) == "proxy_missing")
    }

    // MARK: Version 2

    @Test func aBinaryHeaderNamesTheClient() throws {
        let header = try #require(try self.parse(BinaryHeader().bytes + [1, 2, 3]))
        #expect(header.length == 28)
        #expect(header.client == .init(address: try #require(IPAddress("192.0.2.1")), port: 51234))
        let v6: [UInt8] = [0x20, 1, 0xD, 0xB8] + Array(repeating: 0, count: 11) + [9]
        let addresses = v6 + Array(repeating: 1, count: 16) + [0, 7, 0, 25]
        let other = try #require(try self.parse(BinaryHeader(family: 0x21, addresses: addresses).bytes))
        #expect(other.client == .init(address: try #require(IPAddress("2001:db8::9")), port: 7))
        #expect(other.length == 52)
    }

    @Test(arguments: [
        // LOCAL, with anything behind it.
        BinaryHeader(versionAndCommand: 0x20, family: 0, addresses: []), BinaryHeader(versionAndCommand: 0x20),
        BinaryHeader(versionAndCommand: 0x20, family: 0xFF, addresses: [1, 2, 3]),
        // No family, no transport, datagrams, unix sockets.
        BinaryHeader(family: 0, addresses: []), BinaryHeader(family: 0, addresses: [1, 2, 3]),
        BinaryHeader(family: 0x10), BinaryHeader(family: 0x12),
        BinaryHeader(family: 0x31, addresses: Array(repeating: 1, count: 216)),
    ])
    func aBinaryHeaderMayNameNobody(header: BinaryHeader) throws {
        #expect(try self.parse(header.bytes) == ProxyHeader(length: header.bytes.count))
    }

    @Test(arguments: [
        BinaryHeader(versionAndCommand: 0x11), BinaryHeader(versionAndCommand: 0x31),
        BinaryHeader(versionAndCommand: 0x22), BinaryHeader(family: 0x41), BinaryHeader(family: 0x13),
        BinaryHeader(addresses: []), BinaryHeader(family: 0x21), BinaryHeader(family: 0x31),
        BinaryHeader(fields: [1]), BinaryHeader(fields: [1, 0]), BinaryHeader(fields: [1, 0, 1]),
        BinaryHeader(fields: [4, 0xFF, 0xFF]), BinaryHeader(fields: BinaryHeader.field(0x20, [1, 0, 0, 0])),
        BinaryHeader(fields: BinaryHeader.field(0x20, [1, 0, 0, 0, 0, 0x21, 0, 9])),
        BinaryHeader(fields: BinaryHeader.field(3, [0, 0, 0, 0])), BinaryHeader(fields: BinaryHeader.field(3, [])),
        BinaryHeader(fields: BinaryHeader.field(3, [1, 2, 3, 4, 5])),
    ])
    func aBinaryHeaderThatIsNotExactIsRefused(header: BinaryHeader) {
        #expect(self.cause(header.bytes) == "proxy_malformed")
    }

    @Test func theChecksumIsThatOfTheStandard() {
        // RFC 3720, B.4, and the value that is in all descriptions of checksums.
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([]) == 0)
    }

    @Test func aChecksumIsChecked() throws {
        let header = BinaryHeader(fields: BinaryHeader.field(2, Array("mail.example".utf8)))
        #expect(try self.parse(header.checked)?.facts == [TransportFact("authority", .text("mail.example"))])
        for index in 16..<header.checked.count - 7 {
            var wrong = header.checked
            wrong[index] ^= 1
            #expect(self.cause(wrong) == "proxy_malformed", "byte \(index)")
        }
    }

    @Test func fieldsAreTold() throws {
        let names: [(UInt8, String)] = [(0x21, "TLSv1.3"), (0x22, "client\"1"), (0x23, "TLS_AES_256_GCM_SHA384")]
        let tls = names.flatMap { BinaryHeader.field($0, Array($1.utf8)) } + BinaryHeader.field(0x24, [1])
        func facts(flags: UInt8, verify: UInt8 = 0) throws -> [TransportFact] {
            let fields: [[UInt8]] = [
                BinaryHeader.field(0x04, [0, 0]), BinaryHeader.field(0x01, Array("h2".utf8)),
                BinaryHeader.field(0x02, Array("mail.example".utf8)), BinaryHeader.field(0x05, [0xFF, 0x01]),
                BinaryHeader.field(0x20, [flags, 0, 0, 0, verify] + tls),
                BinaryHeader.field(0xEA, [1] + Array("vpce-08d2bf15fac5001c9".utf8)), BinaryHeader.field(0xEE, [1, 2]),
                BinaryHeader.field(0x02, Array("second".utf8)),
            ]
            return try #require(try self.parse(BinaryHeader(fields: Array(fields.joined())).bytes)).facts
        }
        func told(_ isVerified: Bool) -> [TransportFact] {
            [
                TransportFact("authority", .text("mail.example")), TransportFact("alpn", .text("h2")),
                TransportFact("unique_id", .text("ff01")),
                TransportFact(
                    "tls",
                    .object([
                        TransportFact("version", .text("TLSv1.3")),
                        TransportFact("cipher", .text("TLS_AES_256_GCM_SHA384")),
                        TransportFact("cn", .text("client\"1")), TransportFact("verified", .flag(isVerified)),
                    ])),
                TransportFact("aws_vpc_endpoint", .text("vpce-08d2bf15fac5001c9")),
            ]
        }
        #expect(try facts(flags: 0x03) == told(true))
        #expect(try facts(flags: 0x05) == told(true))
        #expect(try facts(flags: 0x03, verify: 1) == told(false), "its certificate is not good")
        #expect(try facts(flags: 0x01) == told(false), "it has none")
        #expect(try facts(flags: 0x00) == told(false).filter { $0.name != "tls" })
    }

    @Test func fieldsAreBounded() throws {
        let long = BinaryHeader(
            fields: BinaryHeader.field(0x02, Array(repeating: 65, count: 256))
                + BinaryHeader.field(0x05, Array(repeating: 65, count: 129)) + BinaryHeader.field(0x01, []))
        #expect(try self.parse(long.bytes)?.facts == [])
        let largest = BinaryHeader(fields: BinaryHeader.field(0x04, Array(repeating: 0, count: 65535 - 15)))
        #expect(try self.parse(largest.bytes)?.length == 16 + 65535)
    }

    // MARK: Any bytes

    /// Headers that are complete only with their last byte.
    static let whole: [[UInt8]] = [
        Array("PROXY TCP4 192.0.2.1 192.0.2.2 51234 25\r\n".utf8), Array("PROXY UNKNOWN\r\n".utf8),
        BinaryHeader().bytes, BinaryHeader(fields: BinaryHeader.field(2, Array("mail.example".utf8))).checked,
        BinaryHeader(versionAndCommand: 0x20, family: 0, addresses: []).bytes,
    ]

    @Test(arguments: ProxyHeaderTests.whole)
    func aHeaderIsIncompleteUpToItsLastByte(bytes: [UInt8]) throws {
        for count in bytes.indices {
            #expect(try self.parse(bytes.prefix(count)) == nil, "\(count) bytes")
        }
        #expect(try self.parse(bytes)?.length == bytes.count)
    }

    @Test func noBytesTrap() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            var bytes = Self.whole.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                default: bytes.removeSubrange(index...)
                }
            }
            bytes += (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            // A whole header stays the same whatever follows it, and a refusal comes not later because of more bytes.
            let header = try? self.parse(bytes)
            if let header {
                #expect((1...bytes.count).contains(header.length), "seed \(seed): \(bytes)")
                #expect((try? self.parse(bytes.prefix(header.length))) == header, "seed \(seed): \(bytes)")
                #expect((try? self.parse(bytes + [1, 2, 3])) == header, "seed \(seed): \(bytes)")
            }
        }
    }
}
