import Edge
import Foundation
import NIOCore
import Testing
import WorkerPool

@testable import TCPServer

@Suite struct ServerCountersTests {
    @Test func everyLoopIsInTheSum() {
        let counters = ServerCounters(loopCount: 3)
        for (index, loop) in counters.loops.enumerated() {
            for _ in 0...index {
                loop.connectionAccepted()
                loop.submitted(.connected)
                loop.submitted(.data)
                loop.received(10)
                loop.sent(3)
            }
            loop.submitted(.close)
            loop.connectionClosed(.writeClose)
        }
        let counts = counters.counts(server: "echo")
        #expect(counts.server == "echo")
        #expect(counts.accepted == 6 && counts.open == 3)
        #expect(counts.events == [.connected: 6, .data: 6, .close: 3])
        #expect(counts.closed.filter { $1 > 0 } == [.writeClose: 3])
        #expect(counts.receivedBytes == 60 && counts.sentBytes == 18)
    }

    @Test func everyCauseHasItsOwnCount() {
        let counters = ServerCounters(loopCount: 1)
        for (index, cause) in CloseCause.allCases.enumerated() {
            for _ in 0...index {
                counters.loops[0].connectionClosed(cause)
            }
        }
        let closed = counters.counts(server: "").closed
        #expect(CloseCause.allCases.map { closed[$0] } == (1...UInt64(CloseCause.allCases.count)).map { $0 })
    }

    @Test func everyRefusalHasItsOwnCountAndName() {
        let counters = ServerCounters(loopCount: 1)
        let causes = EdgeFailure.Cause.allCases
        for (index, cause) in causes.enumerated() {
            for _ in 0...index {
                counters.loops[0].connectionAccepted()
                counters.loops[0].connectionRefused(cause)
            }
        }
        let counts = counters.counts(server: "")
        #expect(causes.map { counts.refused[$0] } == (1...UInt64(causes.count)).map { $0 })
        #expect(counts.open == 0)
        // They are values of one label.
        let names = causes.map(\.rawValue) + CloseCause.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
    }

    @Test func countsAreWholeWhileTheyAreReadByAnotherThread() async {
        let counters = ServerCounters(loopCount: 2)
        await withTaskGroup(of: Void.self) { group in
            for loop in counters.loops {
                group.addTask {
                    for _ in 0..<100_000 {
                        loop.connectionAccepted()
                        loop.connectionClosed(.client)
                    }
                }
            }
            var last: UInt64 = 0
            for _ in 0..<200 {
                let counts = counters.counts(server: "")
                #expect(counts.accepted >= last)
                #expect(counts.open <= counts.accepted)
                last = counts.accepted
            }
        }
        #expect(counters.counts(server: "").accepted == 200_000)
        #expect(counters.counts(server: "").open == 0)
    }

    @Test func aServerThatIsGoneIsToldOfUntilItsLastConnectionIsClosed() {
        let all = CountersByServer(loopCount: 1)
        let (old, _) = (all.counters(for: "old"), all.counters(for: "kept"))
        old.loops[0].connectionAccepted()
        #expect(all.counts().map(\.server) == ["kept", "old"])
        all.keep(["kept"])
        #expect(all.counts().map(\.server) == ["kept", "old"])
        old.loops[0].connectionClosed(.client)
        #expect(all.counts().map(\.server) == ["kept"])
        // One of that name that comes later starts anew.
        #expect(all.counters(for: "old") !== old)
        #expect(all.counts().map(\.accepted) == [0, 0])
    }

    @Test func aServerIsKnownBeforeItListens() {
        let all = CountersByServer(loopCount: 1)
        all.keep([])
        let counters = all.counters(for: "new")
        #expect(all.counts().map(\.server) == ["new"])
        all.keep(["new"])
        #expect(all.counters(for: "new") === counters)
    }
}

/// The counts of a connection's handler.
@Suite struct ConnectionCountTests {
    private func counts(_ bench: HandlerBench) throws -> ServerCounts {
        try #require(bench.counters.counts().first)
    }

    @Test func aConversation() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("hello\r\n")
        bench.worker.answer("WRITE", "hi there")
        var counts = try self.counts(bench)
        #expect(counts.accepted == 1 && counts.open == 1)
        #expect(counts.events == [.connected: 1, .data: 1, .close: 0])
        #expect(counts.receivedBytes == 7 && counts.sentBytes == 8)
        client.endInput()
        bench.worker.answer("CLOSE")
        counts = try self.counts(bench)
        #expect(counts.events[.close] == 1)
        #expect(counts.open == 0)
        #expect(counts.closed.filter { $1 > 0 } == [.client: 1])
    }

    @Test(arguments: [("CLOSE", CloseCause.worker), ("WRITECLOSE", .writeClose)])
    func aWorkersClose(answer: String, cause: CloseCause) throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("bye\r\n")
        bench.worker.answer(answer, "bye")
        client.endInput()
        #expect(try self.counts(bench).closed.filter { $1 > 0 } == [cause: 1])
    }

    @Test func aPacketThatIsTooLarge() throws {
        let bench = HandlerBench(limit: 4)
        let client = try bench.connected()
        try client.receive("far too large")
        client.endInput()
        #expect(try self.counts(bench).closed.filter { $1 > 0 } == [.packetTooLarge: 1])
    }

    @Test func aClientThatIsRefused() throws {
        let bench = HandlerBench(maxQueueSize: 1)
        _ = try bench.connect()
        let refused = try bench.connect()
        refused.endInput()
        let counts = try self.counts(bench)
        #expect(counts.accepted == 2 && counts.open == 1)
        #expect(counts.closed.filter { $1 > 0 } == [.refused: 1])
    }

    @Test func everyReasonIsACause() {
        let gone = WorkerFailure(.exit, "gone")
        #expect(CloseCause(.eventFailed(.workerGone(gone))) == .workerFailure)
        #expect(CloseCause(.eventFailed(.refusedByWorkers(attempts: 3))) == .workerFailure)
        #expect(CloseCause(.eventFailed(.noFreeWorkers)) == .refused)
        #expect(CloseCause(.eventFailed(.poolClosing)) == .drain)
        #expect(CloseCause(.workerError("")) == .workerError)
        #expect(CloseCause(.draining) == .drain)
    }
}
