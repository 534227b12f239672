import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import AdminHTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct AdminAcceptHandlerTests {
    private let channel = EmbeddedChannel()
    private let reads = ReadCounter()
    private let errors = ErrorCounter()

    init() throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let handler = AdminAcceptHandler(connections: AdminConnections(), logger: logger)
        try self.channel.pipeline.syncOperations.addHandlers(self.reads, handler, self.errors)
        self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        self.reads.count = 0
    }

    @Test func anErrorIsNotPassedOnAndReadingGoesOnAfterAWhile() {
        self.channel.read()
        #expect(self.reads.count == 1)
        for _ in 0..<10 {
            self.channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
        }
        #expect(self.errors.count == 0)
        self.channel.read()
        #expect(self.reads.count == 1, "it is held")
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(99))
        #expect(self.reads.count == 1)
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(self.reads.count == 2)
    }

    @Test func connectionsBeyondTheLimitWaitUntilOneHasEnded() throws {
        let connections = try self.fill()
        self.channel.read()
        #expect(self.reads.count == 64, "it is held")
        connections[7].close(promise: nil)
        self.channel.embeddedEventLoop.run()
        #expect(self.reads.count == 65)
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(connections.count { $0.isActive } == 63, "there is room: nobody is closed")
    }

    @Test func connectionsThatRestMakeRoomForTheNext() throws {
        let connections = try self.fill()
        self.channel.read()
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        #expect(self.reads.count == 64, "it is held")
        self.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(self.reads.count == 65)
        #expect(!connections[0].isActive)
        #expect(connections.count { $0.isActive } == 63, "one is enough")
    }

    /// As many connections as there may be.
    private func fill() throws -> [EmbeddedChannel] {
        var connections: [EmbeddedChannel] = []
        for _ in 0..<64 {
            let connection = EmbeddedChannel(loop: self.channel.embeddedEventLoop)
            connection.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
            connections.append(connection)
            self.channel.read()
            #expect(self.reads.count == connections.count)
            self.channel.pipeline.fireChannelRead(connection as any Channel)
        }
        return connections
    }
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = Never
    var count = 0

    func read(context: ChannelHandlerContext) {
        self.count += 1
    }
}

private final class ErrorCounter: ChannelInboundHandler {
    typealias InboundIn = any Channel
    var count = 0

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.count += 1
    }
}
