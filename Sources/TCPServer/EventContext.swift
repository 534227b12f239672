import NIOCore

/// The context of a connection's events up to the event's name, rendered once a connection.
///
/// `{"remote_addr":"127.0.0.1:51234","server":"smtp","uuid":"…","event":"` (docs/protocol.md).
enum EventContext {
    static func prefix(remoteAddress: SocketAddress?, server: [UInt8], uuid: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(128)
        text.append(contentsOf: "{\"remote_addr\":\"".utf8)
        self.append(remoteAddress, to: &text)
        text.append(contentsOf: "\",\"server\":".utf8)
        text.append(contentsOf: server)
        text.append(contentsOf: ",\"uuid\":\"".utf8)
        text.append(contentsOf: uuid)
        text.append(contentsOf: "\",\"event\":\"".utf8)
        return text
    }

    /// The client's address and the connection's uuid out of a prefix, for the log.
    static func identity(prefix: [UInt8]) -> (remoteAddress: String, uuid: String) {
        let address = prefix.dropFirst(16).prefix { $0 != UInt8(ascii: "\"") }
        let uuid = prefix.dropLast(11).suffix(36)
        return (String(decoding: address, as: UTF8.self), String(decoding: uuid, as: UTF8.self))
    }

    /// As Go prints it: IPv6 in brackets, IPv4 as itself also on a socket for both, `@` for a client of a unix socket.
    private static func append(_ address: SocketAddress?, to text: inout [UInt8]) {
        switch address {
        case .v4:
            // Behind the family and the port, see ip(7).
            self.withBytes(of: address, from: 4, count: 4) { self.append(ipv4: $0, to: &text) }
        case .v6:
            // Behind the family, the port and the flow, see ipv6(7).
            self.withBytes(of: address, from: 8, count: 16) { bytes in
                if bytes.starts(with: self.mappedIPv4) {
                    self.append(ipv4: bytes.dropFirst(self.mappedIPv4.count), to: &text)
                } else {
                    text.append(UInt8(ascii: "["))
                    text.append(contentsOf: (address?.ipAddress ?? "").utf8)
                    text.append(UInt8(ascii: "]"))
                }
            }
        default:
            text.append(UInt8(ascii: "@"))
            return
        }
        text.append(UInt8(ascii: ":"))
        self.append(address?.port ?? 0, to: &text)
    }

    /// What the addresses begin with that stand for IPv4 ones (RFC 4291, 2.5.5.2).
    private static let mappedIPv4: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    /// In place of inet_ntop(3), which takes a fifth of the time that it takes to accept a connection.
    private static func append(ipv4 bytes: Slice<UnsafeRawBufferPointer>, to text: inout [UInt8]) {
        for index in bytes.indices {
            if index > bytes.startIndex {
                text.append(UInt8(ascii: "."))
            }
            self.append(Int(bytes[index]), to: &text)
        }
    }

    /// A part of an address as the system has it; nothing is called when there is no such part.
    private static func withBytes(
        of address: SocketAddress?,
        from start: Int,
        count: Int,
        _ body: (Slice<UnsafeRawBufferPointer>) -> Void
    ) {
        address?.withSockAddr { pointer, size in
            if size >= start + count {
                body(UnsafeRawBufferPointer(start: pointer, count: size)[start..<start + count])
            }
        }
    }

    /// - Parameter number: Not negative.
    private static func append(_ number: Int, to text: inout [UInt8]) {
        if number >= 10 {
            self.append(number / 10, to: &text)
        }
        text.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
