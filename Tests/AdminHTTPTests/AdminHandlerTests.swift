import Addresses
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Observability
import Sockets
import Testing

@testable import AdminHTTP

/// The exchange over one connection, byte by byte.
@Suite struct AdminHandlerTests {
    private let channel = EmbeddedChannel()

    init() throws {
        let probes = AdminEndpoint.Probes(unavailableStatus: 503) { HealthReport(.serving, []) }
        let endpoint = AdminEndpoint(
            address: .tcp(host: "127.0.0.1", port: 0),
            key: "status.address",
            probes: probes
        )
        try self.channel.pipeline.syncOperations.configureHTTPServerPipeline()
        try self.channel.pipeline.syncOperations.addHandler(
            AdminHandler(endpoint, connections: AdminConnections(), idleTimeout: .seconds(60))
        )
        self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    private func send(_ text: String) {
        _ = try? self.channel.writeInbound(ByteBuffer(string: text))
        self.channel.embeddedEventLoop.run()
    }

    private func received() throws -> String {
        var text = ""
        while let bytes = try self.channel.readOutbound(as: ByteBuffer.self) {
            text += String(buffer: bytes)
        }
        return text
    }

    @Test func aConnectionOfHTTP11GoesOn() throws {
        for _ in 0..<3 {
            self.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try self.received()
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("]"))
            #expect(!answer.contains("close"))
            #expect(self.channel.isActive)
        }
    }

    @Test(arguments: [
        "GET /health HTTP/1.0\r\n\r\n", "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ])
    func aConnectionThatIsNotToGoOnIsClosedAfterTheAnswer(request: String) throws {
        self.send(request)
        let answer = try self.received().lowercased()
        #expect(answer.contains(" 200 ok\r\n") && answer.contains("\r\nconnection: close\r\n") && answer.hasSuffix("]"))
        #expect(!self.channel.isActive)
    }

    @Test func headHasTheLengthAndNoBody() throws {
        self.send("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
        let head = try self.received()
        self.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        let whole = try self.received()
        #expect(whole.hasPrefix(head) && head.hasSuffix("\r\n\r\n") && whole.count > head.count)
    }

    @Test func requestsThatComeTogetherAreAnsweredInOrder() throws {
        self.send(
            "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                + "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        )
        let answers = try self.received().split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(answers == ["200", "404", "405"])
    }

    @Test func aMistakeIsAnsweredAndEndsTheConnection() throws {
        self.send("nonsense\r\n\r\n")
        #expect(try self.received().hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(!self.channel.isActive)
    }

    @Test(arguments: ["", "GET /health HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"])
    func aRequestThatIsNotCompleteHasItsTime(part: String) throws {
        self.send(part)
        self.channel.embeddedEventLoop.advanceTime(by: AdminHandler.requestTime - .nanoseconds(1))
        self.send("")
        #expect(self.channel.isActive)
        self.channel.embeddedEventLoop.advanceTime(by: .nanoseconds(1))
        #expect(!self.channel.isActive)
    }

    @Test func aConnectionThatHasAskedMayRestLonger() throws {
        self.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(self.channel.isActive)
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!self.channel.isActive)
    }

    @Test func aClientThatSendsNothingMoreIsLetGo() throws {
        self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        self.channel.embeddedEventLoop.run()
        #expect(!self.channel.isActive)
    }
}
