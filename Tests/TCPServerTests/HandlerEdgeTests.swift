import Edge
import NIOCore
import NIOEmbedded
import Testing

@testable import TCPServer

/// Wants a `!` first.
private struct PasswordStage: ReadingStage {
    let deadline = StageDeadline(.seconds(5), EdgeFailure(.incomplete, "no password"))

    mutating func received(_ bytes: ByteBuffer, _ facts: inout EdgeFacts) throws(EdgeFailure) -> StageOutput {
        guard bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == UInt8(ascii: "!") else {
            throw EdgeFailure(.incomplete, "no password")
        }
        facts.transport.append(TransportFact("password", .flag(true)))
        return StageOutput(.finished, bytes: ByteBuffer(bytes.readableBytesView.dropFirst()))
    }
}

/// Connections that are inside the edge, as their server sees them.
@Suite struct HandlerEdgeTests {
    private let bench = HandlerBench(edge: Edge { [.reading(PasswordStage())] })

    private var counts: ServerCounts {
        get throws { try #require(self.bench.counters.counts().first) }
    }

    @Test func aConnectionIsCountedOnceWhereverItIs() throws {
        let client = try self.bench.connect()
        #expect(self.bench.home.count == 1 && self.bench.worker.log.isEmpty)
        #expect(try self.counts.accepted == 1)
        #expect(try self.counts.open == 1)
        try client.receive("!hello\r\n")
        self.bench.worker.answer("CONTINUE")
        #expect(self.bench.worker.context.hasSuffix(",\"event\":\"DATA\",\"password\":true}hello\r\n"))
        self.bench.worker.answer("CLOSE")
        client.endInput()
        self.bench.worker.answer("CLOSE")
        self.bench.loop.run()
        #expect(self.bench.home.count == 0)
        #expect(try self.counts.accepted == 1)
        #expect(try self.counts.open == 0)
    }

    @Test func aRefusalIsCountedByItsCauseAndWakesNoWorker() throws {
        self.bench.home.limit.set(1, batch: 1)
        self.bench.home.limit.opened()
        let client = try self.bench.connect()
        #expect(self.bench.home.limit.isReached)
        try client.receive("hello\r\n")
        self.bench.loop.run()
        #expect(!client.channel.isActive && !self.bench.home.limit.isReached)
        #expect(self.bench.home.count == 0 && self.bench.worker.log.isEmpty)
        #expect(try self.counts.refused.filter { $1 > 0 } == [.incomplete: 1])
        #expect(try self.counts.open == 0)
    }

    @Test func drainingClosesAConnectionInsideTheEdge() throws {
        let client = try self.bench.connect()
        let ends = (self.bench.home.sessionsEnded().isDone(), self.bench.home.socketsClosed().isDone())
        #expect(!ends.0.value && !ends.1.value)
        self.bench.home.drain(nil)
        self.bench.loop.run()
        #expect(!client.channel.isActive)
        #expect(ends.0.value && ends.1.value)
        #expect(try self.counts.closed.filter { $1 > 0 } == [.drain: 1])
        // One that was accepted before and is active only now is not let in.
        let late = try self.bench.connect()
        self.bench.loop.run()
        #expect(!late.channel.isActive && self.bench.home.count == 0)
        #expect(try self.counts.accepted == 1)
        #expect(self.bench.worker.log.isEmpty)
    }

    @Test func whileTheServerDrainsAConnectionMayStillBegin() throws {
        let (client, silent) = (try self.bench.connect(), try self.bench.connect())
        self.bench.home.drain(.idle(.seconds(2)))
        let ended = self.bench.home.sessionsEnded().isDone()
        self.bench.loop.advanceTime(by: .milliseconds(1900))
        try client.receive("!hello\r\n")
        self.bench.loop.advanceTime(by: .milliseconds(200))
        #expect(client.channel.isActive && !silent.channel.isActive)
        self.bench.worker.answer("CONTINUE")
        self.bench.worker.answer("WRITECLOSE", "bye")
        #expect(try client.written() == "bye")
        #expect(!ended.value)
        self.bench.worker.answer("CLOSE")
        self.bench.loop.run()
        #expect(ended.value)
        #expect(self.bench.worker.log.count == 3)
    }
}
