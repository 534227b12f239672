import Addresses
import NIOCore
import Text

/// A header of the PROXY protocol, in which a balancer names the client of a connection.
///
/// The rules are those of HAProxy's proxy-protocol.txt: a header is never guessed, and one that is not exactly as it
/// says is refused. No I/O.
struct ProxyHeader: Hashable {
    /// The versions of the protocol.
    struct Versions: OptionSet, Sendable, Hashable {
        let rawValue: Int

        static let text = Versions(rawValue: 1)
        static let binary = Versions(rawValue: 2)
    }

    struct Endpoint: Hashable {
        var address: IPAddress
        var port: UInt16
    }

    /// `nil`: the connection is from the balancer itself, such as a health check, or the client has no address of IP.
    var client: Endpoint?
    /// More that the balancer has told, bounded in size.
    var facts: [TransportFact] = []
    /// In bytes; what follows is the client's.
    var length: Int

    static let textStart = Array("PROXY ".utf8)
    static let binaryStart = Array("\r\n\r\n\u{0}\r\nQUIT\n".utf8)

    /// Reads the header that a connection begins with.
    ///
    /// - Returns: `nil` as long as more bytes must come.
    static func parse(_ bytes: ByteBuffer, _ versions: Versions) throws(EdgeFailure) -> ProxyHeader? {
        let view = bytes.readableBytesView
        if versions.contains(.text), self.begins(view, with: self.textStart) {
            return try self.parseText(view)
        }
        if versions.contains(.binary), self.begins(view, with: self.binaryStart) {
            return try self.parseBinary(view)
        }
        let start = view.prefix(16).spacedHexadecimal
        throw EdgeFailure(.proxyMissing, "the connection does not begin with a PROXY header: \(start)")
    }

    /// Whether the bytes that are there do not differ.
    private static func begins(_ view: ByteBufferView, with start: [UInt8]) -> Bool {
        zip(view, start).allSatisfy { $0 == $1 }
    }

    static func malformed(_ reason: String) -> EdgeFailure {
        EdgeFailure(.proxyMalformed, "the PROXY header is malformed: \(reason)")
    }
}
