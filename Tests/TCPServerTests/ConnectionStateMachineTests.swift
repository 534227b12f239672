import NIOCore
import Testing
import WorkerPool

@testable import TCPServer

@Suite struct ConnectionStateMachineTests {
    @Test func connectedComesFirstAndAlone() {
        var bench = ConnectionBench()
        bench.receive("early\r\n")
        #expect(bench.steps() == [.connected])
        #expect(bench.next() == .wait, "one event at a time")
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("early\r\n")])
    }

    @Test func eachPacketWaitsForTheAnswerToTheOneBefore() {
        var bench = ConnectionBench.ready()
        bench.receive("1\r\n2\r\n3")
        #expect(bench.steps() == [.data("1\r\n")])
        bench.receive("\r\n")
        #expect(bench.next() == .wait)
        #expect(bench.answer("WRITE", "a") == "a")
        #expect(bench.steps() == [.data("2\r\n")])
        #expect(bench.answer("CONTINUE", "ignored") == nil)
        #expect(bench.steps() == [.data("3\r\n")])
    }

    @Test func whatCameMeanwhileIsMerged() {
        var bench = ConnectionBench.ready(.merge)
        bench.receive("1\r\n")
        #expect(bench.steps() == [.data("1\r\n")])
        bench.receive("2\r\n3")
        bench.receive("\r\n4\r\n")
        bench.answer("WRITE", "x")
        #expect(bench.steps() == [.data("2\r\n3\r\n4\r\n")])
    }

    // MARK: Answers

    @Test(arguments: [EventKind.connected, .data])
    func writeAndClose(kind: EventKind) {
        var bench = ConnectionBench()
        _ = bench.next()
        if kind == .data {
            bench.answer("CONTINUE")
            bench.receive("x\r\n")
            _ = bench.next()
        }
        bench.receive("never seen\r\n")
        #expect(bench.answer("WRITECLOSE", "bye") == "bye")
        #expect(bench.steps() == [.closeSocket(.writeClose), .close])
        #expect(bench.answer("WRITE", "ignored") == nil)
        #expect(bench.steps() == [.finished])
    }

    @Test(arguments: [EventKind.connected, .data])
    func aForgottenAnswerCountsAsContinue(kind: EventKind) {
        var bench = kind == .connected ? ConnectionBench() : ConnectionBench.serving()
        _ = bench.next()
        bench.receive("next\r\n")
        #expect(bench.machine.finished(.answered(.missing(processID: 1))) == nil)
        #expect(bench.steps() == [.data("next\r\n")])
    }

    @Test(arguments: ["CLOSE", "", "whatever", "{\"stop\":true}"])
    func closeAndUnknownContextsCloseWithoutWriting(_ context: String) {
        var bench = ConnectionBench.serving()
        #expect(bench.answer(context, "body") == nil)
        #expect(bench.steps() == [.closeSocket(.worker), .close])
    }

    @Test func anEmptyBodyIsNotWritten() {
        var bench = ConnectionBench.serving()
        #expect(bench.answer("WRITE", "") == nil)
        #expect(bench.steps() == [])
        bench.receive("y\r\n")
        #expect(bench.steps() == [.data("y\r\n")])
    }

    @Test(arguments: [EventKind.connected, .data])
    func anErrorFrameClosesAndTheCloseIsDelivered(kind: EventKind) {
        var bench = kind == .data ? ConnectionBench.serving() : ConnectionBench()
        if kind == .connected {
            _ = bench.next()
        }
        #expect(bench.machine.finished(.answered(.error(message: ByteBuffer(string: "boom")))) == nil)
        #expect(bench.steps() == [.closeSocket(.workerError("boom")), .close])
    }

    // MARK: Failures

    @Test(arguments: [RequestFailure.noFreeWorkers, .queueFull, .poolClosing])
    func whenConnectedNeverReachedAWorkerThereIsNoClose(_ failure: RequestFailure) {
        var bench = ConnectionBench()
        _ = bench.next()
        bench.receive("x\r\n")
        bench.fail(failure)
        #expect(bench.steps() == [.closeSocket(.eventFailed(failure)), .finished])
        #expect(bench.next() == .wait)
        #expect(bench.machine.isOver)
    }

    @Test(arguments: [RequestFailure.gone, .refusedByWorkers(attempts: 3)])
    func whenConnectedMayHaveReachedAWorkerThereIsAClose(_ failure: RequestFailure) {
        var bench = ConnectionBench()
        _ = bench.next()
        bench.fail(failure)
        #expect(bench.steps() == [.closeSocket(.eventFailed(failure)), .close])
        bench.answer("CLOSE")
        #expect(bench.steps() == [.finished])
    }

    @Test(arguments: [
        RequestFailure.noFreeWorkers, .queueFull, .poolClosing, .gone, .refusedByWorkers(attempts: 3),
    ])
    func whenDataFailsThereIsAClose(_ failure: RequestFailure) {
        var bench = ConnectionBench.serving()
        bench.receive("more\r\n")
        #expect(bench.fail(failure) == nil)
        #expect(bench.steps() == [.closeSocket(.eventFailed(failure)), .close])
    }

    @Test(arguments: [RequestFailure.noFreeWorkers, .poolClosing, .gone])
    func aCloseThatFailsIsNotRepeated(_ failure: RequestFailure) {
        var bench = ConnectionBench.serving()
        bench.answer("CLOSE")
        #expect(bench.steps() == [.closeSocket(.worker), .close])
        bench.fail(failure)
        #expect(bench.steps() == [.finished])
        #expect(bench.fail(failure) == nil, "there is no event any more")
        #expect(bench.next() == .wait)
        #expect(bench.machine.isOver)
    }

    @Test(arguments: [FramingMode.merge, .split])
    func aPacketThatIsTooLargeClosesAfterTheEventBefore(mode: FramingMode) {
        var bench = ConnectionBench.ready(mode, limit: 8)
        bench.receive("ok\r\n")
        #expect(bench.steps() == [.data("ok\r\n")])
        bench.receive("much too long")
        #expect(bench.answer("WRITE", "a") == "a")
        let evidence = PacketEvidence(of: ByteBuffer(string: "much too long"))
        #expect(bench.steps() == [.closeSocket(.packetTooLarge(evidence)), .close])
        #expect(bench.machine.buffered == 0, "its memory is let go")
    }

    // MARK: Memory

    @Test func afterTheDecisionToCloseNothingIsKept() {
        var bench = ConnectionBench.serving()
        bench.receive("kept\r\n")
        #expect(bench.machine.buffered == 6)
        bench.answer("CLOSE")
        #expect(bench.machine.buffered == 0)
        bench.receive("dropped\r\n")
        #expect(bench.machine.buffered == 0)
        #expect(bench.steps() == [.closeSocket(.worker), .close])
    }

    // MARK: Reading

    @Test func pastOneReadBufferAReadIsHeldWhileAWorkerHasAnEvent() {
        var bench = ConnectionBench.serving(readBufferSize: 8)
        bench.receive("1234567")
        #expect(bench.machine.mayRead() == true)
        bench.receive("8\r\n")
        #expect(bench.machine.mayRead() == false)
        #expect(bench.machine.releaseRead() == false, "nothing is taken")
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("12345678\r\n")])
        #expect(bench.machine.releaseRead() == true)
        #expect(bench.machine.releaseRead() == false, "once")
    }

    @Test func aReadIsHeldWhileTheClientDoesNotRead() {
        var bench = ConnectionBench.ready(readBufferSize: 4)
        bench.machine.writabilityChanged(false)
        bench.receive("incomplete")
        #expect(bench.machine.mayRead() == false)
        bench.machine.writabilityChanged(true)
        #expect(bench.machine.releaseRead() == true)
    }

    @Test func aConnectionThatClosesReadsOn() {
        var bench = ConnectionBench.serving(readBufferSize: 1)
        bench.receive("more\r\n")
        #expect(bench.machine.mayRead() == false)
        bench.answer("CLOSE")
        #expect(bench.machine.releaseRead() == true)
        #expect(bench.steps() == [.closeSocket(.worker), .close])
        bench.receive("dropped\r\n")
        #expect(bench.machine.mayRead() == true)
    }
}
