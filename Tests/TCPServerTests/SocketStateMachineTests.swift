import NIOCore
import Testing

@testable import TCPServer

/// The socket ends, with a client that reads, that does not, and that says nothing.
@Suite struct SocketStateMachineTests {
    private var machine = SocketStateMachine()

    private mutating func close(
        _ ending: SocketStateMachine.Ending = .ordinary,
        unwritten: Int = 0,
        isSettled: Bool = true
    ) -> SocketStateMachine.Action {
        self.machine.close(ending, unwritten: unwritten) { isSettled }
    }

    @Test mutating func aClientIsToldOfTheEndAndClosedWhenItEndsItsSide() {
        #expect(self.machine.isOpen)
        #expect(self.close() == .endOutput(checkAfter: .seconds(2)))
        #expect(!self.machine.isOpen)
        #expect(self.machine.inputEnded() == .close)
        #expect(self.machine.inputEnded() == .nothing)
    }

    @Test mutating func aClientThatEndedItsSideIsClosedAtOnce() {
        #expect(self.machine.inputEnded() == .nothing)
        #expect(self.close() == .close)
        #expect(self.close() == .nothing)
    }

    @Test mutating func whileDrainingAClientThatHasAllIsNotWaitedFor() {
        #expect(self.close(.draining) == .close)
    }

    @Test mutating func whileDrainingOneThatHasNotIsCheckedOften() {
        #expect(self.close(.draining, isSettled: false) == .endOutput(checkAfter: .milliseconds(100)))
        #expect(self.machine.checkLinger(untaken: 10) == .checkLinger(after: .milliseconds(100)))
        #expect(self.machine.checkLinger(untaken: 0) == .close)
    }

    @Test mutating func itAsksTheSystemOnlyWhileDraining() {
        let action = self.machine.close(.ordinary, unwritten: 0) {
            Issue.record("the system is asked")
            return true
        }
        #expect(action == .endOutput(checkAfter: .seconds(2)))
    }

    @Test mutating func whatWasWrittenGoesOutFirst() {
        #expect(self.close(unwritten: 100) == .flush(checkAfter: .seconds(30)))
        #expect(self.machine.inputEnded() == .nothing)
        #expect(self.machine.checkFlush(unwritten: 50) == .checkFlush(after: .seconds(30)))
        #expect(self.machine.flushed { true } == .close)
        #expect(self.machine.checkFlush(unwritten: 0) == .nothing)
        #expect(self.machine.flushed { true } == .nothing)
    }

    @Test mutating func aClientThatTakesNothingIsGivenUp() {
        #expect(self.close(unwritten: 100) == .flush(checkAfter: .seconds(30)))
        #expect(self.machine.checkFlush(unwritten: 99) == .checkFlush(after: .seconds(30)))
        #expect(self.machine.checkFlush(unwritten: 99) == .giveUp)
        #expect(self.machine.flushed { false } == .nothing)
    }

    @Test mutating func aClientWhoseSystemTakesNothingIsGivenUpAfterHalfAMinute() {
        #expect(self.close() == .endOutput(checkAfter: .seconds(2)))
        for left in [100, 50] {
            #expect(self.machine.checkLinger(untaken: left) == .checkLinger(after: .seconds(2)))
            for _ in 1...14 {
                #expect(self.machine.checkLinger(untaken: left) == .checkLinger(after: .seconds(2)))
            }
        }
        #expect(self.machine.checkLinger(untaken: 50) == .giveUp)
    }

    @Test mutating func anEarlierCheckOfTheFlushMeansNothingLater() {
        _ = self.close(unwritten: 1)
        #expect(self.machine.flushed { false } == .endOutput(checkAfter: .seconds(2)))
        #expect(self.machine.checkFlush(unwritten: 5) == .nothing)
    }

    @Test mutating func aSocketThatIsClosedNeedsNothing() {
        self.machine.closed()
        #expect(self.machine.hasInputEnded && !self.machine.isOpen && !self.machine.isBehind)
        #expect(self.close(unwritten: 5) == .nothing)
        #expect(self.machine.checkLinger(untaken: 5) == .nothing)
    }

    @Test mutating func aReadIsHeldUntilItIsReleased() {
        self.machine.holdRead()
        #expect(self.machine.isReadHeld)
        self.machine.releaseRead()
        #expect(!self.machine.isReadHeld)
        self.machine.holdRead()
        _ = self.machine.inputEnded()
        #expect(!self.machine.isReadHeld, "nothing more comes")
        self.machine.holdRead()
        #expect(!self.machine.isReadHeld)
    }
}
