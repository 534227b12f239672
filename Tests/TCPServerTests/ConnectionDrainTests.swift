import NIOCore
import Testing
import WorkerPool

@testable import TCPServer

/// The server stops, in each state.
@Suite struct ConnectionDrainTests {
    @Test func atRestItIsClosed() {
        var bench = ConnectionBench.ready()
        bench.machine.drain()
        #expect(bench.steps() == [.closeSocket(.draining), .close])
        bench.answer("CLOSE")
        #expect(bench.steps() == [.finished])
    }

    @Test func beforeConnectedTheConnectionIsStillToldOfBoth() {
        var bench = ConnectionBench()
        bench.machine.drain()
        #expect(bench.steps() == [.connected])
        #expect(bench.answer("WRITE", "welcome") == "welcome")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func duringAnEventItsAnswerIsWritten() {
        var bench = ConnectionBench.serving()
        bench.machine.drain()
        #expect(bench.next() == .wait)
        #expect(bench.answer("WRITE", "answer") == "answer")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func whatHasComeIsServedAndAPacketThatHasBegunWhenItIsComplete() {
        var bench = ConnectionBench.serving()
        bench.receive("2\r\n3\r\nincom")
        bench.machine.drain()
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("2\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("3\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [], "it has begun a packet")
        bench.receive("plete\r\nlate\r\n")
        #expect(bench.steps() == [.data("incomplete\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("late\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    /// A client that has only to wait for its turn loses nothing of what it sent before.
    @Test func theEndWaitsForAClientThatIsPaced() {
        var bench = ConnectionBench.serving()
        bench.receive("2\r\n3\r\n")
        bench.machine.drain()
        bench.machine.pace(true)
        bench.machine.end()
        bench.answer("CONTINUE")
        for packet in ["2\r\n", "3\r\n"] {
            #expect(bench.steps() == [])
            bench.machine.pace(false)
            #expect(bench.steps() == [.data(packet)])
            bench.machine.pace(true)
            bench.answer("CONTINUE")
        }
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func aPacketThatBeginsDuringAnEventIsCompletedAndServed() {
        var bench = ConnectionBench.serving()
        bench.machine.drain()
        bench.receive("late\r\nla")
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("late\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [], "it has begun another")
        bench.receive("ter\r\n")
        #expect(bench.steps() == [.data("later\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func whoSendsWithoutAPauseIsEndedWhenThereIsNoTimeLeft() {
        var bench = ConnectionBench.serving()
        bench.receive("owed\r\n")
        bench.machine.drain()
        for _ in 1...100 {
            bench.receive("x\r\nx\r\nx")
            bench.answer("CONTINUE")
            #expect(bench.steps().count == 1)
        }
        bench.machine.end()
        bench.receive("\r\n")
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func aPacketThatHasBegunMayGrowTogetherWithOthers() {
        var bench = ConnectionBench.ready(.merge)
        bench.receive("be")
        bench.machine.drain()
        #expect(bench.steps() == [])
        bench.receive("gun\r\nanother\r\n")
        #expect(bench.steps() == [.data("begun\r\nanother\r\n")])
        bench.receive("third\r\n")
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("third\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func aPacketThatHasBegunEndsWhenThereIsNoTimeLeft() {
        var bench = ConnectionBench.ready()
        bench.receive("incomplete")
        bench.machine.drain()
        #expect(bench.steps() == [])
        bench.machine.end()
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func whoHasNothingOutstandingNeedNotReadBeforeItIsClosed() {
        var bench = ConnectionBench.ready()
        bench.machine.writabilityChanged(false)
        bench.machine.drain()
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func aClientThatEndedIsServedToItsEnd() {
        var bench = ConnectionBench.ready()
        bench.receive("rest")
        bench.clientEnds()
        bench.machine.drain()
        #expect(bench.steps() == [.data("rest")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }

    @Test func duringTheCloseNothingHappens() {
        var bench = ConnectionBench.serving()
        bench.answer("CLOSE")
        #expect(bench.steps() == [.closeSocket(.worker), .close])
        bench.machine.drain()
        #expect(bench.next() == .wait)
        bench.answer("CLOSE")
        #expect(bench.steps() == [.finished])
    }

    @Test func whoDoesNotReadIsWaitedForUntilThereIsNoTimeLeft() {
        var bench = ConnectionBench.ready()
        bench.machine.writabilityChanged(false)
        bench.receive("a packet\r\n")
        bench.machine.drain()
        #expect(bench.steps() == [])
        bench.machine.end()
        #expect(bench.steps() == [.closeSocket(.draining), .close])
        bench.answer("CLOSE")
        #expect(bench.steps() == [.finished])
    }

    @Test func whoReadsIsServedToTheEnd() {
        var bench = ConnectionBench.serving()
        bench.receive("2\r\nincomplete")
        bench.machine.end()
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.data("2\r\n")])
        bench.answer("CONTINUE")
        #expect(bench.steps() == [.closeSocket(.draining), .close])
    }

    @Test func aClosedSocketIsOver() {
        var bench = ConnectionBench.ready()
        bench.machine.socketClosed()
        bench.machine.drain()
        #expect(bench.steps() == [.closeSocket(.client), .close])
    }
}
