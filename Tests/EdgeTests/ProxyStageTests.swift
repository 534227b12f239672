import Addresses
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import Edge

@Suite struct ProxyStageTests {
    private let record = Record()

    private func channel(
        from peer: String? = "10.0.0.7",
        sources: [String] = ["10.0.0.0/8", "::1"],
        includesUnix: Bool = false,
        isOptional: Bool = false
    ) throws -> EmbeddedChannel {
        let rules = ProxyRules(
            sources: try sources.map { try AddressBlock($0) },
            includesUnix: includesUnix,
            timeout: .seconds(5),
            versions: [1, 2],
            isOptional: isOptional
        )
        let channel = EmbeddedChannel()
        try Edge { [.reading(ProxyStage(rules))] }.admit(channel, to: EchoMaker(record: self.record))
        let address =
            try peer.map { try SocketAddress(ipAddress: $0, port: 4431) }
            ?? SocketAddress(unixDomainSocketPath: "/tmp/x.sock")
        channel.connect(to: address, promise: nil)
        return channel
    }

    private func proxy(_ facts: [TransportFact] = [], peer: String = "10.0.0.7:4431") -> [TransportFact] {
        [TransportFact("proxy", .object([TransportFact("peer", .text(peer))] + facts))]
    }

    private var causes: [EdgeFailure.Cause] {
        self.record.outcomes.withLock { $0 }.compactMap { outcome in
            if case .refused(let failure) = outcome { failure.cause } else { nil }
        }
    }

    private func echoed(_ channel: EmbeddedChannel) throws -> String {
        var all = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
            all += String(buffer: bytes)
        }
        return all
    }

    @Test func theClientIsTheOneThatTheHeaderNamesHoweverItIsCut() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<200 {
            let header =
                round.isMultiple(of: 2)
                ? Array("PROXY TCP4 192.0.2.1 192.0.2.2 51234 25\r\n".utf8)
                : BinaryHeader(fields: BinaryHeader.field(2, Array("mail.example".utf8))).checked
            let channel = try self.channel()
            var rest = ByteBuffer(bytes: header + Array("EHLO x\r\n".utf8))
            while rest.readableBytes > 0 {
                let most = round < 2 ? 1 : Int.random(in: 1...rest.readableBytes, using: &generator)
                try channel.writeInbound(rest.readSlice(length: most) ?? ByteBuffer())
            }
            #expect(try self.echoed(channel) == "EHLO x\r\n", "seed \(seed)")
            #expect(self.record.addresses.withLock { $0.popLast() } == "192.0.2.1", "seed \(seed)")
            let facts = round.isMultiple(of: 2) ? [] : [TransportFact("authority", .text("mail.example"))]
            #expect(self.record.facts.withLock { $0.popLast() } == self.proxy(facts).last, "seed \(seed)")
            #expect(throws: (any Error).self) {
                try channel.pipeline.syncOperations.handler(type: EdgeHandler<EchoMaker>.self)
            }
        }
    }

    @Test(arguments: [Array("PROXY UNKNOWN\r\n".utf8), BinaryHeader(versionAndCommand: 0x20).bytes])
    func aBalancerThatSpeaksForItselfIsTheClient(header: [UInt8]) throws {
        let channel = try self.channel()
        try channel.writeInbound(ByteBuffer(bytes: header))
        #expect(self.record.addresses.withLock { $0 } == ["10.0.0.7"])
        #expect(self.record.facts.withLock { $0 } == self.proxy())
    }

    @Test(arguments: [
        ("PROXY UNKNOWN\r\n", false), ("PROXY TCP4 192.0.2.1 192.0.2.2 51234 25\r\n", true),
    ])
    func onlyAClientCountsByAddress(header: String, isClient: Bool) throws {
        let sources = [try AddressBlock("10.0.0.0/8")]
        var stage = ProxyStage(
            ProxyRules(
                sources: sources, includesUnix: false, timeout: .seconds(5), versions: [1, 2], isOptional: false))
        var facts = EdgeFacts(remoteAddress: try SocketAddress(ipAddress: "10.0.0.7", port: 4431))
        #expect(try stage.opened(&facts) == .waiting)
        #expect(try stage.received(ByteBuffer(string: header), &facts).progress == .finished)
        #expect(facts.isClient == isClient)
    }

    @Test func thePeersAddressIsOfItsOwnKind() throws {
        let channel = try self.channel(from: "::ffff:10.0.0.7")
        try channel.writeInbound(ByteBuffer(string: "PROXY TCP6 2001:db8::1 2001:db8::2 51234 25\r\n"))
        #expect(self.record.facts.withLock { $0 } == self.proxy())
        #expect(self.record.addresses.withLock { $0 } == ["2001:db8::1"])
        try self.channel(from: "::1").writeInbound(ByteBuffer(string: "PROXY UNKNOWN\r\n"))
        #expect(self.record.facts.withLock { $0.last } == self.proxy(peer: "[::1]:4431").last)
    }

    @Test func othersAreRefusedUnheard() throws {
        let channel = try self.channel(from: "192.0.2.9")
        #expect(!channel.isActive && self.causes == [.proxyUntrusted])
        #expect(!(try self.channel(from: nil)).isActive)
        #expect(self.record.addresses.withLock { $0.isEmpty })
    }

    @Test func othersMayBeServedAsTheyAre() throws {
        let channel = try self.channel(from: "192.0.2.9", isOptional: true)
        #expect(self.record.addresses.withLock { $0 } == ["192.0.2.9"])
        try channel.writeInbound(ByteBuffer(string: "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n"))
        #expect(try self.echoed(channel) == "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n")
        #expect(self.record.facts.withLock { $0.isEmpty })
        // Those that should send a header must do so all the same.
        try self.channel(isOptional: true).writeInbound(ByteBuffer(string: "EHLO x\r\n"))
        #expect(self.causes == [.proxyMissing])
    }

    @Test func aUnixSocketIsTrustedIfItIsNamed() throws {
        let channel = try self.channel(from: nil, sources: [], includesUnix: true)
        try channel.writeInbound(ByteBuffer(string: "PROXY TCP4 192.0.2.1 192.0.2.2 51234 25\r\n"))
        #expect(self.record.addresses.withLock { $0 } == ["192.0.2.1"])
        #expect(self.record.facts.withLock { $0 } == self.proxy(peer: "@"))
    }

    @Test(arguments: [
        ("EHLO x\r\n", EdgeFailure.Cause.proxyMissing), ("PROXY TCP4 x\r\n", .proxyMalformed),
        ("PROXY TCP4", .proxyTimeout), ("", .proxyTimeout),
    ])
    func aConnectionWithoutAHeaderIsRefused(bytes: String, cause: EdgeFailure.Cause) throws {
        let channel = try self.channel()
        if !bytes.isEmpty {
            try channel.writeInbound(ByteBuffer(string: bytes))
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(!channel.isActive && self.causes == [cause])
        #expect(self.record.addresses.withLock { $0.isEmpty })
    }
}
