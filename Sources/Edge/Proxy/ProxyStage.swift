import Addresses
import NIOCore
import Sockets

/// Who sends PROXY headers to a server, and which. A class, so that each connection's stage holds only a reference.
package final class ProxyRules: Sendable {
    /// Peers with these addresses must send a header.
    let sources: [AddressBlock]
    /// So must those on a unix socket.
    let includesUnix: Bool
    /// The time for a whole header.
    let timeout: TimeAmount
    let versions: ProxyHeader.Versions
    /// Whether other peers are served as they are; otherwise they are refused.
    let isOptional: Bool

    /// - Parameter versions: Of 1 and 2.
    package init(
        sources: [AddressBlock],
        includesUnix: Bool,
        timeout: TimeAmount,
        versions: [Int],
        isOptional: Bool
    ) {
        self.sources = sources
        self.includesUnix = includesUnix
        self.timeout = timeout
        self.versions = ProxyHeader.Versions(versions.map { ProxyHeader.Versions(rawValue: $0) })
        self.isOptional = isOptional
    }

    /// - Parameter peer: `nil` on a unix socket.
    func trusts(_ peer: SocketAddress?) -> Bool {
        guard let ip = peer?.ip else {
            return self.includesUnix
        }
        return self.sources.contains { $0.contains(ip) }
    }
}

/// Takes the PROXY header off a connection, and the client's address from it.
package struct ProxyStage: ReadingStage {
    private let rules: ProxyRules
    /// At most one header, which is 64 KiB, and one read.
    private var buffer = ByteBuffer()

    package init(_ rules: ProxyRules) {
        self.rules = rules
    }

    package var deadline: StageDeadline {
        StageDeadline(self.rules.timeout, EdgeFailure(.proxyTimeout, "no whole PROXY header came in time"))
    }

    package mutating func opened(_ facts: inout EdgeFacts) throws(EdgeFailure) -> StageProgress {
        if self.rules.trusts(facts.remoteAddress) {
            return .waiting
        }
        guard self.rules.isOptional else {
            throw EdgeFailure(.proxyUntrusted, "its peer is not in proxy_protocol.from")
        }
        return .finished
    }

    package mutating func received(_ bytes: ByteBuffer, _ facts: inout EdgeFacts) throws(EdgeFailure) -> StageOutput {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            self.buffer.writeImmutableBuffer(bytes)
        }
        guard let header = try ProxyHeader.parse(self.buffer, self.rules.versions) else {
            return StageOutput(.waiting)
        }
        let peer = facts.remoteAddress?.hostAndPort ?? "@"
        facts.transport.append(TransportFact("proxy", .object([TransportFact("peer", .text(peer))] + header.facts)))
        if let client = header.client {
            facts.remoteAddress = SocketAddress(client.address, port: client.port) ?? facts.remoteAddress
        } else {
            facts.isClient = false
        }
        self.buffer.moveReaderIndex(forwardBy: header.length)
        return StageOutput(.finished, bytes: self.buffer)
    }
}
