import Addresses
import NIOCore
import Text

/// Version 2: 16 bytes, then addresses, then fields of type, length and value.
extension ProxyHeader {
    private static let fixedLength = 16

    static func parseBinary(_ view: ByteBufferView) throws(EdgeFailure) -> ProxyHeader? {
        let fixed = Array(view.prefix(self.fixedLength))
        if fixed.count > 12 {
            guard fixed[12] >> 4 == 2 else {
                throw self.malformed("its version is \(fixed[12] >> 4)")
            }
            guard fixed[12] & 0xF <= 1 else {
                throw self.malformed("its command is \(fixed[12] & 0xF)")
            }
        }
        guard fixed.count == self.fixedLength else {
            return nil
        }
        var header = ProxyHeader(length: self.fixedLength + self.number(fixed[14...]))
        guard view.count >= header.length else {
            return nil
        }
        guard fixed[12] & 0xF == 1 else {
            // LOCAL: the balancer speaks for itself, and nothing else of the header counts.
            return header
        }
        try header.readClient(Array(view.prefix(header.length)))
        return header
    }

    private mutating func readClient(_ bytes: [UInt8]) throws(EdgeFailure) {
        let (family, transport) = (Int(bytes[13] >> 4), Int(bytes[13] & 0xF))
        guard family <= 3, transport <= 2 else {
            throw Self.malformed("its family is 0x\(bytes[13].hexadecimal)")
        }
        let addresses = bytes[Self.fixedLength...]
        guard addresses.count >= Self.addressLengths[family] else {
            throw Self.malformed("it has no room for the addresses of its family")
        }
        let found = Self.fields(addresses.dropFirst(Self.addressLengths[family]))
        // Without a family nothing says where the fields begin.
        guard let fields = family == 0 ? found ?? [] : found else {
            throw Self.malformed("a field goes beyond its end")
        }
        try Self.check(fields, of: bytes)
        // Only these have a client with an address and a port.
        let size = [1: 4, 2: 16][family]
        if transport == 1, let size, let address = IPAddress(bytes: addresses.prefix(size)) {
            let port = Self.number(addresses.dropFirst(2 * size).prefix(2))
            self.client = Endpoint(address: address, port: UInt16(truncatingIfNeeded: port))
        }
        self.facts = try Self.facts(fields)
    }

    /// Source and destination, by family: none, IPv4, IPv6 with their ports, unix.
    private static let addressLengths = [0, 12, 36, 216]

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }

    // MARK: Fields

    private struct Field {
        var type: UInt8
        var value: ArraySlice<UInt8>
    }

    private enum Kind {
        static let alpn: UInt8 = 0x01
        static let authority: UInt8 = 0x02
        static let checksum: UInt8 = 0x03
        static let uniqueID: UInt8 = 0x05
        static let tls: UInt8 = 0x20
        static let tlsVersion: UInt8 = 0x21
        static let tlsCommonName: UInt8 = 0x22
        static let tlsCipher: UInt8 = 0x23
        static let aws: UInt8 = 0xEA
    }

    /// - Returns: `nil` if one goes beyond the end.
    private static func fields(_ bytes: ArraySlice<UInt8>) -> [Field]? {
        var fields: [Field] = []
        var rest = bytes
        while let type = rest.popFirst() {
            let length = self.number(rest.prefix(2))
            guard rest.count >= 2 + length else {
                return nil
            }
            rest = rest.dropFirst(2)
            fields.append(Field(type: type, value: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return fields
    }

    private static func check(_ fields: [Field], of bytes: [UInt8]) throws(EdgeFailure) {
        guard let checksum = fields.first(where: { $0.type == Kind.checksum })?.value else {
            return
        }
        var bytes = bytes
        for index in checksum.indices {
            bytes[index] = 0
        }
        guard checksum.count == 4, CRC32C.checksum(bytes) == UInt32(truncatingIfNeeded: self.number(checksum)) else {
            throw self.malformed("its checksum is wrong")
        }
    }

    private static func facts(_ fields: [Field]) throws(EdgeFailure) -> [TransportFact] {
        var facts = self.texts([(Kind.authority, "authority"), (Kind.alpn, "alpn")], of: fields)
        facts += self.texts([(Kind.uniqueID, "unique_id")], of: fields, most: 128)
        if let value = fields.first(where: { $0.type == Kind.tls })?.value {
            guard let inner = self.fields(value.dropFirst(5)), value.count >= 5 else {
                throw self.malformed("a field goes beyond its end")
            }
            facts += self.tls(flags: value.first ?? 0, verify: self.number(value.dropFirst()), inner)
        }
        // The first byte of this vendor's field is a type of its own: 1 is the id of the endpoint.
        if let value = fields.first(where: { $0.type == Kind.aws })?.value, value.first == 1 {
            facts += self.texts([(1, "aws_vpc_endpoint")], of: [Field(type: 1, value: value.dropFirst())])
        }
        return facts
    }

    /// What the client has negotiated with the balancer.
    private static func tls(flags: UInt8, verify: Int, _ fields: [Field]) -> [TransportFact] {
        // The bits: TLS is used; a certificate came with this connection; or with this session.
        guard flags & 0x01 != 0 else {
            return []
        }
        let names = [(Kind.tlsVersion, "version"), (Kind.tlsCipher, "cipher"), (Kind.tlsCommonName, "cn")]
        let isVerified = TransportFact("verified", .flag(flags & 0x06 != 0 && verify == 0))
        return [TransportFact("tls", .object(self.texts(names, of: fields) + [isVerified]))]
    }

    /// The first field of each of these types, unless it is empty or longer than `most` bytes. One that is no UTF-8 is
    /// told in hexadecimal digits.
    private static func texts(_ types: [(UInt8, String)], of fields: [Field], most: Int = 255) -> [TransportFact] {
        types.compactMap { type, name in
            guard let value = fields.first(where: { $0.type == type })?.value, (1...most).contains(value.count) else {
                return nil
            }
            let text = String(validating: value, as: UTF8.self)
            return TransportFact(name, .text(text ?? value.hexadecimal))
        }
    }
}
