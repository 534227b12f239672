import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import AdminHTTP

@Suite struct AdminConnectionsTests {
    private let channel = EmbeddedChannel()
    private let reads = ReadCounter()
    private let connections = AdminConnections()

    init() throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try self.channel.pipeline.syncOperations.addHandlers(
            self.reads,
            self.connections.acceptGate(logger: logger)
        )
        self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        self.reads.count = 0
    }

    @Test func withoutDescriptorsTheOldestSilentConnectionMakesRoom() throws {
        let connections = try self.accept(3)
        self.connections.hasAsked(connections[0])
        for _ in 0..<10 {
            self.channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
        }
        #expect(connections.map(\.isActive) == [true, false, true], "one, however often it fails")
    }

    @Test func theOldestSilentConnectionMakesRoomEachTimeOneComes() throws {
        let old = try self.accept(AdminConnections.limit)
        for asked in old[..<10] {
            self.connections.hasAsked(asked)
        }
        let new = try self.accept(20)
        #expect(self.reads.count == AdminConnections.limit + 20, "nothing is ever held")
        #expect(old[..<10].allSatisfy { $0.isActive }, "they have asked")
        #expect(old[10..<30].allSatisfy { !$0.isActive })
        #expect((old[30...] + new).allSatisfy { $0.isActive })
    }

    @Test func whereAllHaveAskedTheOldestMakesRoom() throws {
        let old = try self.accept(AdminConnections.limit)
        for asked in old {
            self.connections.hasAsked(asked)
        }
        let new = try self.accept(1)
        #expect(!old[0].isActive && (old[1...] + new).allSatisfy { $0.isActive })
    }

    @Test func clientsThatAskOnceAndStayLeaveNewcomersRoom() throws {
        let old = try self.accept(AdminConnections.limit)
        for asked in old.dropLast() {
            self.connections.hasAsked(asked)
            self.connections.wasAnswered(asked)
        }
        let first = try self.accept(1)
        #expect(!old[0].isActive && old[1...].allSatisfy { $0.isActive }, "a probe that has just come stays")
        let flood = try self.accept(2 * AdminConnections.limit)
        #expect(old.count { $0.isActive } == AdminConnections.keptLimit)
        #expect(!first[0].isActive)
        let room = AdminConnections.limit - AdminConnections.keptLimit
        #expect(flood.suffix(room).allSatisfy { $0.isActive })
    }

    @Test(arguments: [10, AdminConnections.limit - 1])
    func whoGetsAnAnswerGoesLastButIsNoObstacle(answering: Int) throws {
        let old = try self.accept(AdminConnections.limit)
        for (index, asked) in old.dropLast().enumerated() {
            self.connections.hasAsked(asked)
            if index >= answering {
                self.connections.wasAnswered(asked)
            }
        }
        _ = try self.accept(1)
        let gone = answering == 10 ? 10 : 0
        #expect(old.enumerated().allSatisfy { $1.isActive == ($0 != gone) })
    }

    @Test func oneThatHasEndedTakesNoRoom() throws {
        let connections = try self.accept(AdminConnections.limit)
        connections[7].close(promise: nil)
        self.channel.embeddedEventLoop.run()
        _ = try self.accept(1)
        #expect(connections.count { $0.isActive } == AdminConnections.limit - 1, "nobody is closed")
    }

    private func accept(_ count: Int) throws -> [EmbeddedChannel] {
        try (0..<count).map { _ in
            let connection = EmbeddedChannel(loop: self.channel.embeddedEventLoop)
            connection.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
            self.channel.read()
            self.channel.pipeline.fireChannelRead(connection as any Channel)
            self.channel.embeddedEventLoop.run()
            return connection
        }
    }
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = Never
    var count = 0

    func read(context: ChannelHandlerContext) {
        self.count += 1
    }
}
