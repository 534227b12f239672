import Logging
import NIOCore
import NIOEmbedded
import RPC
import Synchronization
import Testing

@testable import RPCServer

/// One connection without a socket.
@Suite struct RPCConnectionTests {
    /// Deferred calls by their argument, and what became of them.
    private final class Desk: Sendable {
        let waiting = Mutex<[String: RPCReply]>([:])
        let abandoned = Mutex<[String]>([])
        let begun = Mutex<[String]>([])

        func take(_ call: RPCCall, _ reply: RPCReply) {
            let name = String(buffer: call.argument)
            self.begun.withLock { $0.append(name) }
            reply.onAbandoned { self.abandoned.withLock { $0.append(name) } }
            self.waiting.withLock { $0[name] = reply }
        }

        func complete(_ name: String) {
            let reply = self.waiting.withLock { $0.removeValue(forKey: name) }
            reply?.complete(.success(ByteBuffer(string: name + "!")))
        }

        var service: RPCService {
            RPCService(
                "desk",
                [
                    "Echo": .immediate { $0.argument },
                    "Fail": .immediate { _ throws(RPCError) in throw RPCError("no") },
                    "Wait": .deferred { self.take($0, $1) },
                    "Drop": .deferred { _, _ in },
                    "Now": .deferred { $1.complete(.success($0.argument)) },
                ]
            )
        }
    }

    private struct Reply: Equatable {
        var id: UInt32
        var flags: UInt8
        var text: String
    }

    private let desk = Desk()
    private let environment: RPCEnvironment
    private let channel: EmbeddedChannel

    init() throws {
        let limits = RPCLimits(messageBytes: 4096, connections: 10, calls: 3)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.environment = RPCEnvironment([self.desk.service], limits, isMeasured: true, logger: logger)
        self.channel = EmbeddedChannel(handler: RPCConnection(self.environment, .direct))
        try self.channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
    }

    private func request(_ id: UInt32, _ name: String, _ argument: String = "", _ codec: RPCCodec = .json) -> ByteBuffer
    {
        var buffer = ByteBuffer()
        buffer.writeRPCRequest(
            id: id,
            codec: codec,
            name: ByteBuffer(string: name),
            argument: ByteBuffer(string: argument)
        )
        return buffer
    }

    private func send(_ requests: ByteBuffer...) throws {
        try self.channel.writeInbound(requests.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) })
    }

    /// The replies so far, and how many writes they took.
    private func replies() throws -> (replies: [Reply], writes: Int) {
        self.channel.embeddedEventLoop.run()
        var bytes = ByteBuffer()
        var writes = 0
        while var part = try self.channel.readOutbound(as: ByteBuffer.self) {
            if part.readableBytes > 0 { writes += 1 }
            bytes.writeBuffer(&part)
        }
        var replies: [Reply] = []
        while let head = bytes.readBytes(length: 20) {
            let length = Int(head[2]) | Int(head[3]) << 8
            let text = bytes.readString(length: length)
            replies.append(Reply(id: UInt32(head[12]), flags: head[1], text: try #require(text)))
        }
        return (replies, writes)
    }

    @Test func callsOfOneReadAreAnsweredInOneWrite() throws {
        try self.send(
            self.request(1, "desk.Echo", "a"),
            self.request(2, "desk.Fail"),
            self.request(3, "desk.Now", "b", .proto),
            self.request(4, "desk.Nothing", "", .raw),
            self.request(5, "nothing", "", .gob),
            self.request(6, "desk.Echo", "", .gob),
            self.request(7, "desk.Echo", "", .msgpack)
        )
        let (replies, writes) = try self.replies()
        #expect(
            replies == [
                Reply(id: 1, flags: 0x08, text: "desk.Echoa"),
                Reply(id: 2, flags: 0x48, text: "desk.Failno"),
                Reply(id: 3, flags: 0x80, text: "desk.Nowb"),
                Reply(id: 4, flags: 0x44, text: "desk.Nothingrpc: can't find method desk.Nothing"),
                Reply(id: 5, flags: 0x60, text: "nothingrpc: service/method request ill-formed: nothing"),
                Reply(id: 6, flags: 0x60, text: "desk.Echounknown codec"),
                Reply(id: 7, flags: 0x50, text: "desk.Echounknown codec"),
            ]
        )
        #expect(writes == 1)
        let counts = self.environment.snapshot
        #expect(counts.methods.first { $0.name == "desk.Echo" }?.successes == 1)
        #expect(counts.methods.first { $0.name == "desk.Echo" }?.failures == 2)
        #expect(counts.methods.last?.name == "unknown")
        #expect(counts.methods.last?.failures == 2)
    }

    @Test func repliesComeInTheOrderOfCompletion() throws {
        try self.send(
            self.request(1, "desk.Wait", "a"), self.request(2, "desk.Wait", "b"), self.request(3, "desk.Echo"))
        #expect(try self.replies().replies.map(\.id) == [3])
        #expect(self.environment.snapshot.callsInFlight == 2)
        self.desk.complete("b")
        self.desk.complete("a")
        let (replies, writes) = try self.replies()
        #expect(replies == [Reply(id: 2, flags: 8, text: "desk.Waitb!"), Reply(id: 1, flags: 8, text: "desk.Waita!")])
        #expect(writes == 1)
        #expect(self.environment.snapshot.callsInFlight == 0)
    }

    @Test func aDroppedReplyIsAnError() throws {
        try self.send(self.request(1, "desk.Drop"))
        #expect(try self.replies().replies == [Reply(id: 1, flags: 0x48, text: "desk.Dropthe call was dropped")])
    }

    /// They wait, in order; none is lost.
    @Test func tooManyCallsWait() throws {
        try self.send(
            self.request(1, "desk.Wait", "a"),
            self.request(2, "desk.Wait", "b"),
            self.request(3, "desk.Wait", "c"),
            self.request(4, "desk.Echo", "d"),
            self.request(5, "desk.Wait", "e")
        )
        #expect(try self.replies().replies.isEmpty)
        #expect(self.desk.begun.withLock { $0 } == ["a", "b", "c"])
        self.desk.complete("b")
        #expect(try self.replies().replies.map(\.id) == [2, 4])
        #expect(self.desk.begun.withLock { $0 } == ["a", "b", "c", "e"])
        self.desk.complete("a")
        self.desk.complete("c")
        self.desk.complete("e")
        #expect(try self.replies().replies.map(\.id) == [1, 3, 5])
    }

    @Test func theBytesOfWaitingCallsAreBounded() throws {
        let large = String(repeating: "x", count: 4080)
        try self.send(self.request(1, "desk.Wait", large), self.request(2, "desk.Wait", "b"))
        try self.send(self.request(3, "desk.Wait", "c"))
        #expect(self.desk.begun.withLock { $0 } == [large, "b"])
        self.desk.complete(large)
        _ = try self.replies()
        #expect(self.desk.begun.withLock { $0 } == [large, "b", "c"])
    }

    @Test func callsAreAbandonedWhenTheConnectionCloses() throws {
        try self.send(self.request(1, "desk.Wait", "a"), self.request(2, "desk.Wait", "b"))
        self.desk.complete("b")
        self.channel.close(promise: nil)
        self.channel.embeddedEventLoop.run()
        #expect(self.desk.abandoned.withLock { $0 } == ["a"])
        self.desk.complete("a")
        self.channel.embeddedEventLoop.run()
        #expect(self.environment.snapshot.callsInFlight == 0)
    }

    @Test func aMalformedFrameEndsTheConnectionAfterTheCallsBeforeIt() throws {
        var junk = ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n")
        try self.send(self.request(1, "desk.Wait", "a"), self.request(2, "desk.Echo", "b"), junk)
        #expect(try self.replies().replies.map(\.id) == [2])
        #expect(self.channel.isActive)
        try self.send(self.request(3, "desk.Echo"))
        self.desk.complete("a")
        #expect(try self.replies().replies.map(\.id) == [1])
        #expect(!self.channel.isActive)
        #expect(self.environment.snapshot.malformed == 1)
        junk.clear()
    }
}
