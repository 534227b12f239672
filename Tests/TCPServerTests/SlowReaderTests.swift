import NIOCore
import NIOEmbedded
import Testing
import WorkerPool

@testable import TCPServer

/// Answers that clients do not take: counted over all connections, and who does not read is closed when they are too many.
@Suite struct SlowReaderTests {
    private let bench = HandlerBench()

    private var pending: Int {
        self.bench.pool.pendingAnswers.bytes
    }

    /// A client that has been answered so many bytes and has taken none.
    private func slowClient(_ bytes: Int) throws -> HandlerChannel {
        let client = try self.bench.connected()
        client.recorder.holdsFlushes = true
        try client.receive("x\r\n")
        self.bench.worker.answer("WRITE", String(repeating: "y", count: bytes))
        return client
    }

    private func slowReaders() -> UInt64 {
        self.bench.counters.counts().reduce(0) { $0 + $1.closed[.slowReader, default: 0] }
    }

    @Test func whatIsTakenDoesNotCount() throws {
        let client = try self.bench.connected()
        try client.receive("x\r\n")
        self.bench.worker.answer("WRITE", "answer")
        #expect(self.pending == 0)
        #expect(self.bench.home.behind.isEmpty)
    }

    @Test func whatIsPendingCountsUntilItIsTaken() throws {
        let client = try self.slowClient(1000)
        let other = try self.slowClient(500)
        #expect(self.pending == 1500)
        client.recorder.release()
        self.bench.loop.advanceTime(by: .seconds(1))
        #expect(self.pending == 500)
        other.recorder.release()
        self.bench.loop.advanceTime(by: .seconds(1))
        #expect(self.pending == 0)
        #expect(self.bench.home.behind.isEmpty && self.bench.home.backlogWatch == nil)
    }

    @Test func aConnectionThatEndsIsNotCountedAnyMore() throws {
        let client = try self.slowClient(1000)
        client.disconnect()
        #expect(self.pending == 0)
        self.bench.loop.advanceTime(by: .seconds(1))
        #expect(self.bench.home.backlogWatch == nil)
    }

    @Test func withinTheBoundNobodyIsClosed() throws {
        self.bench.pool.pendingAnswers.setLimit(1001)
        let client = try self.slowClient(1000)
        self.bench.loop.advanceTime(by: .hours(1))
        #expect(client.channel.isActive)
        #expect(self.pending == 1000)
    }

    @Test func pastTheBoundTheLargestSlowReadersAreClosedUntilHalfIsFree() throws {
        self.bench.pool.pendingAnswers.setLimit(1000)
        let sizes = [100, 600, 350, 50]
        let clients = try sizes.map { try self.slowClient($0) }
        self.bench.loop.advanceTime(by: .seconds(2))
        #expect(clients.allSatisfy { $0.channel.isActive }, "they have some seconds")
        self.bench.loop.advanceTime(by: .seconds(1))
        #expect(clients.map { $0.channel.isActive } == [true, false, false, true])
        #expect(self.pending == 150 && self.slowReaders() == 2)
        self.bench.worker.answer("CLOSE")
        #expect(self.bench.worker.log.count { $0 == "CLOSE" } == 2, "a worker is told")
    }

    @Test func whoReadsIsNotClosed() throws {
        self.bench.pool.pendingAnswers.setLimit(1 << 20)
        let reader = try self.slowClient(1 << 20)
        let other = try self.slowClient(1 << 20)
        self.bench.loop.advanceTime(by: .seconds(2))
        reader.recorder.release()
        self.bench.loop.advanceTime(by: .seconds(1))
        #expect(reader.channel.isActive)
        #expect(!other.channel.isActive)
        #expect(self.pending == 0)
    }
}
