import NIOCore
import NIOEmbedded
import Testing
import WorkerPool

@testable import TCPServer

/// The connections of a loop end.
@Suite struct HandlerDrainTests {
    @Test func drainingEndsEveryConnectionBetweenTwoPackets() throws {
        let bench = HandlerBench()
        let busy = try bench.connected()
        let idle = try bench.connected()
        try busy.receive("x\r\n")
        bench.home.drain(nil)
        let isDrained = bench.home.sessionsEnded().isDone()
        #expect(!idle.channel.isActive)
        #expect(busy.channel.isActive)
        bench.worker.answer("WRITE", "answer")
        #expect(try busy.written() == "answer")
        #expect(!busy.channel.isActive)
        #expect(!isDrained.value)
        // One CLOSE after the other.
        bench.worker.answer("CLOSE")
        #expect(!isDrained.value)
        bench.worker.answer("CLOSE")
        bench.loop.run()
        #expect(isDrained.value)
        #expect(bench.worker.log == ["CONNECTED", "CONNECTED", "DATA x\r\n", "CLOSE", "CLOSE"])
    }

    @Test func aSessionGoesOnUntilItRests() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        let half = try bench.connected()
        try half.receive("half a pack")
        bench.home.drain(.idle(.seconds(2)))
        let drained = bench.home.socketsClosed().isDone()
        for round in 1...5 {
            bench.loop.advanceTime(by: .milliseconds(1900))
            try client.receive("\(round)\r\n")
            bench.worker.answer("WRITE", "answer \(round)")
            #expect(try client.written() == "answer \(round)")
        }
        bench.loop.advanceTime(by: .milliseconds(1999))
        #expect(client.channel.isActive)
        bench.loop.advanceTime(by: .milliseconds(502))
        #expect(!client.channel.isActive)
        #expect(half.channel.isActive, "in the middle of a packet")
        bench.worker.answer("CLOSE")
        try half.receive("et\r\n")
        bench.worker.answer("WRITE", "whole")
        #expect(try half.written() == "whole")
        #expect(!drained.value)
        bench.loop.advanceTime(by: .milliseconds(2501))
        #expect(!half.channel.isActive)
        bench.worker.answer("CLOSE")
        bench.loop.run()
        #expect(drained.value)
        #expect(bench.worker.log.suffix(3) == ["CLOSE", "DATA half a packet\r\n", "CLOSE"])
    }

    @Test func whoIsLeftIsEndedWithoutAWait() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        bench.home.drain(.idle(.seconds(60)))
        let first = bench.home.socketsClosed().isDone()
        #expect(client.channel.isActive)
        bench.home.drain(nil)
        let second = bench.home.socketsClosed().isDone()
        #expect(!client.channel.isActive)
        bench.worker.answer("CLOSE")
        bench.loop.run()
        #expect(first.value && second.value)
    }

    @Test func aConnectionThatComesWhileDrainingIsToldAndClosed() throws {
        let bench = HandlerBench()
        bench.home.drain(nil)
        let drained = bench.home.socketsClosed().isDone()
        bench.loop.run()
        #expect(drained.value)
        let client = try bench.connect()
        bench.worker.answer("WRITE", "welcome")
        #expect(try client.written() == "welcome")
        #expect(!client.channel.isActive)
        #expect(bench.worker.log == ["CONNECTED", "CLOSE"])
    }

    @Test func aPacketThatHasBegunIsCompletedAndServed() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("half a pack")
        bench.home.drain(nil)
        #expect(client.channel.isActive)
        try client.receive("et\r\nanother\r\n")
        bench.worker.answer("WRITE", "whole")
        #expect(try client.written() == "whole")
        #expect(client.channel.isActive, "another has begun")
        bench.worker.answer("WRITE", "as well")
        #expect(try client.written() == "as well")
        #expect(!client.channel.isActive)
        #expect(bench.worker.log.suffix(3) == ["DATA half a packet\r\n", "DATA another\r\n", "CLOSE"])
    }

    @Test func aPacketThatNeverEndsIsEnded() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("half a pack")
        bench.home.drain(nil)
        let ended = bench.home.sessionsEnded().isDone()
        bench.home.end()
        #expect(!client.channel.isActive)
        #expect(bench.worker.log == ["CONNECTED", "CLOSE"])
        bench.worker.answer("CLOSE")
        bench.loop.run()
        #expect(ended.value)
    }

    @Test func aClientThatReadsNothingHoldsNoSessionUp() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("x\r\n")
        client.setWritable(false)
        bench.worker.answer("WRITE", "a long answer")
        bench.home.drain(nil)
        let ended = bench.home.sessionsEnded().isDone()
        #expect(bench.worker.log.last == "CLOSE")
        bench.worker.answer("CLOSE")
        bench.loop.run()
        #expect(ended.value)
    }

    @Test func anAnswerThatIsGivenUpForOthersIsALoss() throws {
        let bench = HandlerBench()
        bench.pool.pendingAnswers.setLimit(1000)
        for isDraining in [false, true] {
            if isDraining {
                bench.home.drain(.idle(.hours(1)))
            }
            let client = try bench.connected()
            client.recorder.holdsFlushes = true
            try client.receive("x\r\n")
            bench.worker.answer("WRITE", String(repeating: "y", count: 1000))
            bench.loop.advanceTime(by: .seconds(4))
            #expect(!client.channel.isActive)
            bench.worker.answer("CLOSE")
            #expect(bench.home.hasLost == isDraining)
        }
    }

    @Test func aCloseThatIsNotDeliveredIsALoss() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        bench.home.drain(.idle(.hours(1)))
        _ = bench.pool.close(timeout: .seconds(1))
        client.disconnect()
        bench.loop.run()
        #expect(bench.home.hasLost)
    }

    @Test func thoseThatNeverRestAreEndedOneAfterTheOther() throws {
        let bench = HandlerBench()
        let clients = try (0..<40).map { _ in try bench.connected() }
        bench.home.drain(.init(idle: .hours(1), untilSpreading: .seconds(10), spreading: .seconds(20)))
        bench.loop.advanceTime(by: .milliseconds(9999))
        #expect(clients.allSatisfy { $0.channel.isActive })
        bench.loop.advanceTime(by: .milliseconds(2))
        for step in 1...20 {
            #expect(clients.count { !$0.channel.isActive } == 2 * step)
            bench.loop.advanceTime(by: .seconds(1))
        }
        for _ in clients {
            bench.worker.answer("CLOSE")
        }
        #expect(bench.home.count == 0)
    }

    @Test func oneThatHasHalfAPacketIsNotCountedAgain() throws {
        let bench = HandlerBench()
        let half = try bench.connected()
        try half.receive("half")
        let clients = try (0..<19).map { _ in try bench.connected() }
        bench.home.drain(.init(idle: .hours(1), untilSpreading: .zero, spreading: .seconds(20)))
        bench.loop.advanceTime(by: .seconds(20))
        #expect(clients.allSatisfy { !$0.channel.isActive })
        #expect(half.channel.isActive)
    }
}

extension TCPServer.Rest {
    /// Without an end for those that never rest.
    static func idle(_ idle: TimeAmount) -> Self {
        Self(idle: idle, untilSpreading: .hours(24), spreading: .hours(1))
    }
}

extension EventLoopFuture {
    /// Whether it has been completed.
    func isDone() -> Flag {
        let done = Flag()
        self.assumeIsolated().whenComplete { _ in done.value = true }
        return done
    }
}

/// Confined to an embedded loop.
final class Flag {
    var value = false
}
