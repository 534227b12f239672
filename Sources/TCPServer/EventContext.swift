import Edge
import NIOCore
import Text

/// The context of a connection's events, rendered once per connection. No other code makes its JSON.
///
/// `{"remote_addr":"127.0.0.1:51234","server":"smtp","uuid":"…","event":"DATA"}` (docs/protocol.md). The edge's facts
/// about the transport follow the event.
struct EventContext {
    /// The text before the event's name.
    private let prefix: [UInt8]
    /// The text after the event's name and its quote; empty if only the closing brace follows.
    private var facts: [UInt8]

    /// The context of a connection before its session begins.
    init() {
        self.prefix = []
        self.facts = []
    }

    /// - Parameter server: The server's name as a JSON string, with its quotes.
    init(remoteAddress: SocketAddress?, server: [UInt8], id: ConnectionID, facts: [TransportFact] = []) {
        var text: [UInt8] = []
        text.reserveCapacity(Self.fixedLength + Self.longest(remoteAddress) + server.count)
        text.append(contentsOf: "{\"remote_addr\":\"".utf8)
        Self.append(remoteAddress, to: &text)
        text.append(contentsOf: "\",\"server\":".utf8)
        text.append(contentsOf: server)
        text.append(contentsOf: ",\"uuid\":\"".utf8)
        id.append(to: &text)
        text.append(contentsOf: "\",\"event\":\"".utf8)
        self.prefix = text
        self.facts = facts.isEmpty ? [] : Self.rendered(facts)
    }

    /// - Parameter facts: In place of those that are known so far.
    mutating func replace(facts: [TransportFact]) {
        self.facts = facts.isEmpty ? [] : Self.rendered(facts)
    }

    /// Length of the prefix without address and server, in bytes.
    private static let fixedLength = 47 + ConnectionID.length

    /// The largest length of an address's text, in bytes.
    private static func longest(_ address: SocketAddress?) -> Int {
        switch address {
        case .v4: 21
        case .v6: 53
        default: 1
        }
    }

    private static func rendered(_ facts: [TransportFact]) -> [UInt8] {
        var text: [UInt8] = []
        for fact in facts {
            text.append(contentsOf: ",\(fact.json)".utf8)
        }
        text.append(UInt8(ascii: "}"))
        return text
    }

    /// Adds why the connection was closed, behind all others. Called once.
    mutating func tell(reason: String) {
        let rest = self.facts.isEmpty ? [] : self.facts.dropLast()
        self.facts = rest + Array(",\"reason\":\(reason.jsonQuoted)}".utf8)
    }

    /// The client's address, for the log.
    var remoteAddress: String {
        String(decoding: self.prefix.dropFirst(16).prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }

    /// Length of an event's context, in bytes.
    func length(_ kind: EventKind) -> Int {
        self.prefix.count
            + (self.facts.isEmpty ? kind.end.utf8CodeUnitCount : kind.name.utf8CodeUnitCount + self.facts.count)
    }

    /// What follows the facts when a connection has moved to another worker, with the end of the context.
    private static let moved: StaticString = ",\"moved\":true}"

    /// Length of an event's context that tells of a move, in bytes.
    func movedLength(_ kind: EventKind) -> Int {
        kind.name.utf8CodeUnitCount + max(0, self.facts.count - 1) + Self.moved.utf8CodeUnitCount
            + self.prefix.count
    }

    /// As ``write(_:to:)``, and tells that the connection has moved to another worker.
    func writeMoved(_ kind: EventKind, to pointer: inout UnsafeMutableRawBufferPointer) {
        self.prefix.withUnsafeBytes { pointer.append($0) }
        kind.name.withUTF8Buffer { pointer.append(UnsafeRawBufferPointer($0)) }
        self.facts.dropLast().withUnsafeBytes { pointer.append($0) }
        Self.moved.withUTF8Buffer { pointer.append(UnsafeRawBufferPointer($0)) }
    }

    /// Writes an event's context.
    ///
    /// - Parameter pointer: At least as many bytes as ``length(_:)`` says; what follows them, after the call.
    func write(_ kind: EventKind, to pointer: inout UnsafeMutableRawBufferPointer) {
        self.prefix.withUnsafeBytes { pointer.append($0) }
        guard !self.facts.isEmpty else {
            kind.end.withUTF8Buffer { pointer.append(UnsafeRawBufferPointer($0)) }
            return
        }
        kind.name.withUTF8Buffer { pointer.append(UnsafeRawBufferPointer($0)) }
        self.facts.withUnsafeBytes { pointer.append($0) }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Copies bytes to the front, and becomes the memory behind them.
    fileprivate mutating func append(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= self.count)
        self.copyMemory(from: bytes)
        self = UnsafeMutableRawBufferPointer(rebasing: self[bytes.count...])
    }
}

extension EventKind {
    /// The event's name with its closing quote.
    fileprivate var name: StaticString {
        switch self {
        case .connected: "CONNECTED\""
        case .data: "DATA\""
        case .close: "CLOSE\""
        }
    }

    /// The event's name and the end of the context.
    fileprivate var end: StaticString {
        switch self {
        case .connected: "CONNECTED\"}"
        case .data: "DATA\"}"
        case .close: "CLOSE\"}"
        }
    }
}

extension EventContext {
    /// Formats an address as Go does: IPv6 in brackets, IPv4 in its own notation even on a dual-stack socket, `@` for a
    /// client of a unix socket.
    private static func append(_ address: SocketAddress?, to text: inout [UInt8]) {
        switch address {
        case .v4:
            // The address follows the family and the port, see ip(7).
            self.withBytes(of: address, from: 4, count: 4) { self.append(ipv4: $0, to: &text) }
        case .v6:
            // The address follows the family, the port and the flow label, see ipv6(7).
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

    /// The prefix of IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2).
    private static let mappedIPv4: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    /// Replaces inet_ntop(3), which would take a fifth of the time of accepting a connection.
    private static func append(ipv4 bytes: Slice<UnsafeRawBufferPointer>, to text: inout [UInt8]) {
        for index in bytes.indices {
            if index > bytes.startIndex {
                text.append(UInt8(ascii: "."))
            }
            self.append(Int(bytes[index]), to: &text)
        }
    }

    /// Calls `body` with a part of the system's form of an address, or not at all if the address has no such part.
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

extension TransportFact {
    fileprivate var json: String {
        "\(self.name.jsonQuoted):\(self.value.json)"
    }
}

extension TransportFact.Value {
    fileprivate var json: String {
        switch self {
        case .text(let text): text.jsonQuoted
        case .number(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        case .list(let values): "[\(values.map(\.json).joined(separator: ","))]"
        case .object(let facts): "{\(facts.map(\.json).joined(separator: ","))}"
        }
    }
}
