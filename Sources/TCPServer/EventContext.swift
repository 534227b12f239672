import NIOCore

/// The context of a connection's events up to the event's name, rendered once a connection.
///
/// `{"remote_addr":"127.0.0.1:51234","server":"smtp","uuid":"…","event":"` (REFERENCE 3).
enum EventContext {
    static func prefix(remoteAddress: SocketAddress?, server: [UInt8], uuid: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(128)
        text.append(contentsOf: "{\"remote_addr\":\"".utf8)
        text.append(contentsOf: self.remoteAddress(remoteAddress).utf8)
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
    static func remoteAddress(_ address: SocketAddress?) -> String {
        guard let address, let host = address.ipAddress, let port = address.port else {
            return "@"
        }
        guard case .v6 = address else {
            return "\(host):\(port)"
        }
        let mapped = "::ffff:"
        if host.hasPrefix(mapped), host.contains(".") {
            return "\(host.dropFirst(mapped.count)):\(port)"
        }
        return "[\(host)]:\(port)"
    }

    /// A string in quotes as JSON has it.
    static func quoted(_ string: String) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "\"")]
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(UInt8(ascii: "\\"))
                text.append(byte)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                text.append(contentsOf: "\\u00".utf8)
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 0xF)])
            default:
                text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
        return text
    }
}
