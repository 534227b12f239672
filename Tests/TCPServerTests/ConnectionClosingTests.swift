import NIOCore
import Testing
import WorkerPool

@testable import TCPServer

/// The client ends, the socket closes, or the client does not read, in each state.
@Suite struct ConnectionClosingTests {
    @Test func ofALongErrorMessageTheBeginningIsKept() {
        var bench = ConnectionBench.serving()
        let message = ByteBuffer(repeating: UInt8(ascii: "e"), count: 1 << 20)
        #expect(bench.machine.finished(.answered(.error(message: message))) == nil)
        guard case .closeSocket(.workerError(let text)) = bench.next() else {
            Issue.record("the connection goes on")
            return
        }
        #expect(text.hasPrefix("eee") && text.hasSuffix("... (1048576 bytes)") && text.utf8.count < 17_000)
    }

    // MARK: The client ends its side

    @Test func atRestItIsClosedAtOnce() {
        var bench = ConnectionBench.ready()
        bench.clientEnds()
        #expect(bench.steps() == [.closeSocket(.client), .close])
        bench.answer("CLOSE")
        #expect(bench.steps() == [.finished])
    }

    @Test(arguments: [FramingMode.merge, .split])
    func theLeftoverIsDataAndItsAnswerIsWritten(mode: FramingMode) {
        var bench = ConnectionBench.ready(mode)
        bench.receive("no delimiter")
        #expect(bench.steps() == [])
        bench.clientEnds()
        #expect(bench.steps() == [.data("no delimiter")])
        #expect(bench.answer("WRITE", "answer") == "answer")
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func packetsAndLeftoverAreServedInOrder() {
        var bench = ConnectionBench.ready()
        bench.receive("1\r\n2\r\n3")
        bench.clientEnds()
        for text in ["1\r\n", "2\r\n", "3"] {
            #expect(bench.steps() == [.data(text)])
            #expect(bench.answer("WRITE", text) == text)
        }
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func beforeConnectedIsAnswered() {
        var bench = ConnectionBench()
        _ = bench.next()
        bench.receive("hello")
        bench.clientEnds()
        #expect(bench.next() == .wait)
        #expect(bench.answer("WRITE", "welcome") == "welcome")
        #expect(bench.steps() == [.data("hello")])
    }

    @Test func duringAnEvent() {
        var bench = ConnectionBench.serving()
        bench.clientEnds()
        #expect(bench.next() == .wait)
        #expect(bench.answer("WRITE", "answer") == "answer")
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func aWorkerThatClosesDropsTheLeftover() {
        var bench = ConnectionBench.serving()
        bench.receive("rest")
        bench.clientEnds()
        bench.answer("CLOSE")
        #expect(bench.steps() == [.closeSocket(.worker), .close])
    }

    // MARK: The socket closes

    @Test func atRestTheCloseIsDelivered() {
        var bench = ConnectionBench.ready()
        bench.machine.socketClosed()
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func duringConnectedItsAnswerIsDropped() {
        var bench = ConnectionBench()
        _ = bench.next()
        bench.machine.socketClosed()
        #expect(bench.next() == .wait)
        #expect(bench.answer("WRITE", "welcome") == nil)
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func duringDataItsAnswerIsDroppedAndWhatCameIsServed() {
        var bench = ConnectionBench.serving()
        bench.receive("2\r\nrest")
        bench.machine.socketClosed()
        #expect(bench.answer("WRITE", "answer") == nil)
        #expect(bench.steps() == [.data("2\r\n")])
        #expect(bench.answer("WRITE", "answer") == nil)
        #expect(bench.steps() == [.data("rest")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func duringTheCloseNothingHappens() {
        var bench = ConnectionBench.serving()
        bench.answer("CLOSE")
        #expect(bench.steps() == [.closeSocket(.worker), .close])
        bench.machine.socketClosed()
        #expect(bench.next() == .wait)
        bench.answer("CLOSE")
        #expect(bench.steps() == [.finished])
        bench.machine.socketClosed()
        bench.clientEnds()
        #expect(bench.next() == .wait)
        #expect(bench.machine.isOver)
    }

    // MARK: The client does not read its answers

    @Test func itGetsNoFurtherEventBeforeItDoes() {
        var bench = ConnectionBench.serving()
        bench.receive("2\r\n")
        bench.machine.writabilityChanged(false)
        #expect(bench.answer("WRITE", "much") == "much", "what is answered is written")
        #expect(bench.next() == .wait)
        bench.machine.writabilityChanged(true)
        #expect(bench.steps() == [.data("2\r\n")])
    }

    @Test func aClientThatEndedStillHasToRead() {
        var bench = ConnectionBench.serving()
        bench.receive("rest")
        bench.machine.writabilityChanged(false)
        bench.answer("WRITE", "much")
        bench.clientEnds()
        #expect(bench.next() == .wait)
        bench.machine.writabilityChanged(true)
        #expect(bench.steps() == [.data("rest")])
    }

    @Test func whenItsSocketClosesItIsOver() {
        var bench = ConnectionBench.serving()
        bench.receive("2\r\n")
        bench.machine.writabilityChanged(false)
        bench.answer("WRITE", "much")
        bench.machine.socketClosed()
        #expect(bench.steps() == [.data("2\r\n")])
        #expect(bench.answer("WRITE", "more") == nil)
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func aWorkersCloseDoesNotWaitForIt() {
        var bench = ConnectionBench.serving()
        bench.machine.writabilityChanged(false)
        #expect(bench.answer("WRITECLOSE", "bye") == "bye")
        #expect(bench.steps() == [.closeSocket(.writeClose), .close])
    }
}
