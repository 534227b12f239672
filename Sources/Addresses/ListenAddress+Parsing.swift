extension ListenAddress {
    /// The reason why a text is not an address.
    package struct Fault: Error, Equatable {
        package var message: String
        package var isOutOfRange = false
    }

    /// The forms of an address, for messages.
    package static let forms = "host:port, :port, [::1]:port, tcp://host:port or unix:///path"

    /// Reads `host:port`, `:port`, `[::1]:port`, `tcp://host:port` or `unix://path` (docs/configuration.md).
    package init(parsing text: String) throws(Fault) {
        guard let separator = Self.schemeEnd(text) else {
            self = try Self.tcp(text, whole: text)
            return
        }
        let rest = String(text[separator.upperBound...])
        switch text[..<separator.lowerBound] {
        case "tcp": self = try Self.tcp(rest, whole: text)
        case "unix":
            guard !rest.isEmpty else { throw Fault(message: "invalid address `\(text)`: the path is empty") }
            // `sockaddr_un` holds 108 bytes including the final NUL.
            guard rest.utf8.count < 108, !rest.utf8.contains(0) else {
                throw Fault(message: "invalid address `\(text)`: the path of a socket takes at most 107 bytes")
            }
            self = .unix(path: rest)
        default:
            throw Fault(message: "invalid Protocol ([tcp://]:6001, unix://file.sock), address: \(text)")
        }
    }

    /// Reads `tcp://host:port` or `unix://path`, the form that workers are told.
    package init(parsingWithScheme text: String) throws(Fault) {
        guard text.hasPrefix("tcp://") || text.hasPrefix("unix://") else {
            throw Fault(message: "invalid socket DSN (tcp://:6001, unix://file.sock): \(text)")
        }
        try self.init(parsing: text)
    }

    private static func schemeEnd(_ text: String) -> Range<String.Index>? {
        let utf8 = text.utf8
        var index = utf8.startIndex
        while index < utf8.endIndex {
            if utf8[index...].starts(with: "://".utf8) { return index..<utf8.index(index, offsetBy: 3) }
            index = utf8.index(after: index)
        }
        return nil
    }

    private static func tcp(_ text: String, whole: String) throws(Fault) -> ListenAddress {
        let host: Substring
        let port: Substring
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]"), text[bracket...].hasPrefix("]:") else {
                throw Fault(message: "invalid Protocol or address `\(whole)`: `]:port` is missing")
            }
            host = text[text.index(after: text.startIndex)..<bracket]
            port = text[text.index(bracket, offsetBy: 2)...]
            guard host.utf8.contains(UInt8(ascii: ":")), host.utf8.allSatisfy(isIPv6Byte) else {
                throw Fault(message: "invalid Protocol or address `\(whole)`: `\(host)` is no IPv6 address")
            }
        } else {
            guard let colon = text.lastIndex(of: ":") else {
                throw Fault(message: "invalid Protocol or address `\(whole)`: the port is missing")
            }
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard !host.utf8.contains(UInt8(ascii: ":")) else {
                throw Fault(message: "invalid Protocol or address `\(whole)`: too many colons; IPv6 goes into brackets")
            }
            guard host.utf8.allSatisfy(isHostByte) else {
                throw Fault(message: "invalid Protocol or address `\(whole)`: `\(host)` is no host")
            }
        }
        guard !port.isEmpty, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw Fault(message: "invalid Protocol or address `\(whole)`: the port `\(port)` is no number")
        }
        guard let number = Int(port), number <= 65535 else {
            throw Fault(message: "invalid address `\(whole)`: the port \(port) is not in 0...65535", isOutOfRange: true)
        }
        return .tcp(host: String(host), port: number)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        // Names in other scripts are left to the resolver.
        default: byte >= 0x80
        }
    }

    private static func isIPv6Byte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%") || isHostByte(byte)
    }
}
