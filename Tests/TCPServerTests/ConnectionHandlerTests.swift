import Foundation
import NIOCore
import NIOEmbedded
import TestSupport
import Testing
import WorkerPool

@testable import TCPServer

@Suite struct ConnectionHandlerTests {
    @Test func connectedIsTheFirstEventAndNamesTheConnection() throws {
        let bench = HandlerBench()
        _ = try bench.connect()
        #expect(bench.worker.log == ["CONNECTED"])
        let json = try JSONSerialization.jsonObject(with: Data(bench.worker.context.utf8))
        let fields = try #require(json as? [String: String])
        #expect(fields["remote_addr"] == "192.0.2.1:4000")
        #expect(fields["server"] == "echo")
        #expect(fields["event"] == "CONNECTED")
        #expect(fields["uuid"].flatMap { UUID(uuidString: $0) } != nil)
    }

    @Test func theUUIDIsOneForTheConnectionAndDiffersBetweenThem() throws {
        let bench = HandlerBench()
        func uuid() -> Substring {
            bench.worker.context.split(separator: "\"")[11]
        }
        let first = try bench.connect()
        let connected = uuid()
        bench.worker.answer("CONTINUE")
        try first.receive("x\r\n")
        #expect(uuid() == connected)
        bench.worker.answer("CLOSE")
        #expect(uuid() == connected)
        bench.worker.answer("CLOSE")
        _ = try bench.connect()
        #expect(uuid() != connected)
    }

    @Test func answersAreWritten() throws {
        let bench = HandlerBench()
        let client = try bench.connect()
        bench.worker.answer("WRITE", "welcome\r\n")
        #expect(try client.written() == "welcome\r\n")
        try client.receive("1\r\n2\r\n")
        #expect(bench.worker.log == ["CONNECTED", "DATA 1\r\n"])
        bench.worker.answer("WRITE", "one")
        #expect(bench.worker.log.last == "DATA 2\r\n")
        bench.worker.answer("CONTINUE", "nothing")
        #expect(try client.written() == "one")
        #expect(client.channel.isActive)
    }

    @Test func writeAndClose() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("x\r\n")
        bench.worker.answer("WRITECLOSE", "bye")
        #expect(try client.written() == "bye")
        client.noticeEnd()
        #expect(bench.worker.log == ["CONNECTED", "DATA x\r\n", "CLOSE"])
        #expect(bench.home.count == 1, "its CLOSE is not handled yet")
        bench.worker.answer("WRITE", "ignored")
        #expect(bench.home.count == 0)
    }

    @Test func theLeftoverAtTheEndIsAnswered() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("no delimiter")
        client.endInput()
        #expect(bench.worker.log.last == "DATA no delimiter")
        bench.worker.answer("WRITE", "answer")
        #expect(try client.written() == "answer")
        #expect(!client.channel.isActive)
        #expect(bench.worker.log.last == "CLOSE")
        bench.worker.answer("CLOSE")
        #expect(bench.worker.log == ["CONNECTED", "DATA no delimiter", "CLOSE"])
        #expect(bench.home.count == 0)
    }

    @Test func aClientThatDisappearsCostsItsAnswer() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("x\r\n")
        client.disconnect()
        #expect(bench.home.count == 1)
        bench.worker.answer("WRITE", "for nobody")
        #expect(bench.worker.log == ["CONNECTED", "DATA x\r\n", "CLOSE"])
        bench.worker.answer("CLOSE")
        #expect(bench.home.count == 0)
        #expect(bench.pool.unavailableFor == nil)
    }

    @Test func aWorkerThatDiesClosesTheConnectionAndTheCloseIsDelivered() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        try client.receive("x\r\n")
        bench.worker.die()
        client.noticeEnd()
        #expect(bench.worker.log == ["CONNECTED", "DATA x\r\n", "CLOSE"])
        bench.worker.answer("CLOSE")
        #expect(bench.home.count == 0)
    }

    @Test func aConnectionThatTheQueueHasNoRoomForIsClosedWithoutAnEvent() throws {
        let bench = HandlerBench(maxQueueSize: 1)
        let first = try bench.connect()
        let second = try bench.connect()
        second.noticeEnd()
        #expect(bench.home.count == 1)
        bench.worker.answer("CONTINUE")
        #expect(bench.worker.log == ["CONNECTED"])
        #expect(first.channel.isActive)
    }

    @Test func aPacketThatIsTooLargeClosesTheConnection() throws {
        let bench = HandlerBench(limit: 4)
        let client = try bench.connected()
        try client.receive("12345")
        client.noticeEnd()
        #expect(bench.worker.log == ["CONNECTED", "CLOSE"])
    }

    @Test func anErrorOnTheSocketClosesIt() throws {
        let bench = HandlerBench()
        let client = try bench.connected()
        client.channel.pipeline.fireErrorCaught(ChannelError.inputClosed)
        #expect(!client.channel.isActive)
        #expect(bench.worker.log == ["CONNECTED", "CLOSE"])
    }

    // MARK: Bounds

    @Test func pastOneReadBufferNothingIsReadWhileAWorkerIsBusy() throws {
        let bench = HandlerBench(readBufferSize: 8)
        let client = try bench.connected()
        try client.receive("1\r\n")
        client.channel.pipeline.read()
        #expect(client.recorder.reads == 1, "there is room")
        try client.receive("1234567\r\n")
        client.channel.pipeline.read()
        #expect(client.recorder.reads == 1)
        bench.worker.answer("CONTINUE")
        #expect(client.recorder.reads == 2, "the next packet is taken, and there is room again")
        client.channel.pipeline.read()
        #expect(client.recorder.reads == 3)
    }

    @Test func aClientThatDoesNotReadGetsNoFurtherEvent() throws {
        let bench = HandlerBench(readBufferSize: 4)
        let client = try bench.connected()
        try client.receive("1\r\n2\r\n3\r\n")
        client.setWritable(false)
        bench.worker.answer("WRITE", "much")
        client.channel.pipeline.read()
        #expect(client.recorder.reads == 0)
        #expect(bench.worker.log == ["CONNECTED", "DATA 1\r\n"])
        client.setWritable(true)
        #expect(bench.worker.log.last == "DATA 2\r\n")
        #expect(client.recorder.reads == 0, "more than half of it is still there")
        bench.worker.answer("CONTINUE")
        #expect(bench.worker.log.last == "DATA 3\r\n")
        #expect(client.recorder.reads == 1)
    }

    @Test func aClientThatIsStillSendingMayNoticeTheEnd() throws {
        let bench = HandlerBench(readBufferSize: 1)
        let client = try bench.connected()
        try client.receive("1\r\n2\r\n")
        client.channel.pipeline.read()
        bench.worker.answer("WRITECLOSE", "bye")
        #expect(client.recorder.closes == [.output], "a reset could take the answer with it")
        #expect(client.recorder.reads == 1)
        #expect(client.channel.isActive)
        #expect(bench.worker.log.last == "CLOSE")
        bench.worker.answer("CLOSE")
        #expect(bench.home.count == 1)
        client.endInput()
        #expect(!client.channel.isActive)
        #expect(bench.home.count == 0)
    }

    @Test func butNotForLong() throws {
        let bench = HandlerBench(readBufferSize: 1)
        let client = try bench.connected()
        try client.receive("1\r\n2\r\n")
        client.channel.pipeline.read()
        bench.worker.answer("CLOSE")
        #expect(client.channel.isActive)
        bench.loop.advanceTime(by: .seconds(2))
        #expect(!client.channel.isActive)
    }

    @Test func thereMayBeManyAndTheyLeaveInAnyOrder() throws {
        let bench = HandlerBench()
        var random = SeededGenerator(seed: 7)
        var clients = try (0..<50).map { _ in try bench.connected() }
        #expect(bench.home.count == 50)
        clients.shuffle(using: &random)
        for (index, client) in clients.enumerated() {
            client.disconnect()
            bench.worker.answer("CLOSE")
            #expect(bench.home.count == 49 - index)
        }
        #expect(bench.worker.log.count { $0 == "CLOSE" } == 50)
    }
}
