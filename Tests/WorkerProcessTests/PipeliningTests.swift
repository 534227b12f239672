import Goridge
import NIOCore
import TestSupport
import Testing
import WorkerPool

@testable import WorkerProcess

/// Several requests at once.
@Suite struct PipeliningTests {
    /// A worker that has replied to a probe.
    private static func replying() -> WorkerStateMachine {
        var machine = WorkerStateMachine(trial: 1)
        _ = machine.received(.pid)
        #expect(machine.give(mayTry: true) == .write(.behind))
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
        #expect(!machine.pipelines)
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.pipelines)
        return machine
    }

    private static func announced() -> WorkerStateMachine {
        var machine = WorkerStateMachine(trial: 1)
        #expect(machine.received(.announced).text == "ready")
        #expect(machine.pipelines)
        return machine
    }

    // MARK: Eligible workers

    @Test func aWorkerIsTriedOnceBehindOneOfItsRequests() {
        var machine = WorkerStateMachine(trial: 3)
        _ = machine.received(.pid)
        for request in 1...5 {
            #expect(machine.give(mayTry: request != 3) == .write(request == 4 ? .behind : []))
            #expect(machine.received(.answer("WRITE", "x")).text == "answer")
            if request == 4 {
                #expect(machine.give() == .hold, "what it makes of the probe is not known")
                #expect(machine.received(.pid).text == "nothing")
            }
        }
    }

    @Test func aWorkerThatPassesOverItsTrialIsGivenOneRequestAtATime() {
        var machine = WorkerStateMachine(trial: 1)
        _ = machine.received(.pid)
        #expect(machine.give(mayTry: true) == .write(.behind))
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
        #expect(machine.owesReply)
        #expect(machine.tick(.short).text == "again")
        #expect(machine.tick(.short).text == "no reply")
        #expect(machine.give() == .write([]))
        #expect(machine.received(.answer("WRITE", "x")).answered?.ignoredProbe == true)
        #expect(machine.give(isClose: true, probesCloses: true) == .write([]), "it is not probed any more")
        for interval in [WorkerStateMachine.Interval.short, .long, .short, .long, .long] {
            #expect(machine.tick(interval).text == "again")
        }
        #expect(machine.give() == .hold)
        #expect(!machine.pipelines)
    }

    @Test func aReplyTooLateForItsTrialStillCounts() {
        var machine = WorkerStateMachine(trial: 1)
        _ = machine.received(.pid)
        _ = machine.give(mayTry: true)
        _ = machine.received(.answer("WRITE", "x"))
        _ = machine.tick(.short)
        #expect(machine.tick(.short).text == "no reply")
        #expect(machine.give() == .write([]))
        #expect(machine.received(.error("late")).text == "probe", "late, or the answer")
        #expect(machine.received(.pid).text == "late error: late", "it came before the reply")
        #expect(machine.pipelines)
        #expect(machine.give() == .append([]), "a probe is behind the first already")
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.requests == 1)
    }

    @Test func noMoreThanTheBound() {
        for var machine in [Self.replying(), Self.announced()] {
            for request in 0..<64 {
                #expect(machine.give() != .hold, "\(request)")
            }
            #expect(!machine.isWritable)
            #expect(machine.give() == .hold)
            #expect(machine.received(.answer("WRITE", "x")).text == "answer")
            #expect(machine.isWritable)
        }
    }

    /// RoadRunner's client dies of a header that its 8 KiB of a stream cut in two.
    @Test func aWorkerThatHasPromisedNothingGetsWhatItReadsAtOnce() {
        var machine = WorkerStateMachine(trial: 1)
        _ = machine.received(.pid)
        #expect(machine.give(size: 9000, mayTry: true) == .write([]), "a probe behind it might be read in two parts")
        _ = machine.received(.answer("WRITE", "x"))
        #expect(machine.give(at: 9000, size: 100, mayTry: true) == .write(.behind))
        _ = machine.received(.answer("WRITE", "x"))
        _ = machine.received(.pid)
        #expect(machine.give(at: 10_000, size: 4000) == .write([]))
        #expect(machine.give(at: 14_000, size: 4000) == .append(.before))
        #expect(machine.give(at: 18_030, size: 100) == .hold)
        _ = machine.received(.answer("WRITE", "x"))
        #expect(machine.give(at: 18_030, size: 100) == .append(.before))

        var announced = Self.announced()
        #expect(announced.give(size: 100_000) == .write([]))
        #expect(announced.give(at: 100_000, size: 100_000) == .append([]))
    }

    /// Whatever comes in whatever order: a request ends at most once, and none is forgotten.
    @Test(arguments: 0..<200)
    func walk(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var machine = seed % 4 == 0 ? Self.announced() : WorkerStateMachine(trial: 5)
        _ = machine.isStarting ? machine.received(.pid) : .nothing
        var requests = 0
        let frames: [Frame] = [
            .pid, .pid, .error("x"), .answer("WRITE", "x"), .answer("CONTINUE", ""), .answer("{\"stop\":true}", ""),
            .stop,
        ]
        func end(_ what: String) {
            #expect(requests > 0, "\(what), and nothing is served")
            requests -= 1
        }
        for _ in 0..<400 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<7:
                let isWritable = machine.isWritable
                let (isClose, probesCloses) = (Bool.random(using: &random), Bool.random(using: &random))
                let action = machine.give(isClose: isClose, probesCloses: probesCloses, mayTry: .random(using: &random))
                #expect(isWritable == (action != .hold))
                requests += isWritable ? 1 : 0
            case 7..<14:
                let isOdd = Int.random(in: 0..<40, using: &random) == 0
                let frame = frames[.random(in: isOdd ? 5..<7 : 0..<5, using: &random)]
                let isLast = Int.random(in: 0..<4, using: &random) > 0
                switch machine.received(frame, isLast: isLast, mayProbe: Bool.random(using: &random)) {
                case .answer, .answerAfter, .unanswered: end("an answer")
                case .refused(let isLast):
                    end("a refusal")
                    #expect(machine.requests == (isLast ? 0 : requests))
                    return
                case .broken:
                    #expect(machine.begun(read: .max) <= requests)
                    return
                case .ready: Issue.record("ready again")
                case .lateError, .probe, .nothing: break
                }
            case 14..<19:
                let interval = Bool.random(using: &random) ? WorkerStateMachine.Interval.short : .long
                let action = machine.tick(
                    interval, mayProbe: .random(using: &random), knowsProbes: false, hasRead: true)
                switch action {
                case .lastAnswer:
                    end("an error")
                    #expect(machine.stop().text == "sendStop")
                    return
                case .noReply: #expect(machine.isWritable && requests == 0)
                case .broken: return
                case .pause: #expect(requests == 0 || interval == .short)
                case .again, .probe: break
                }
            default:
                guard Int.random(in: 0..<20, using: &random) == 0 else { continue }
                switch machine.closed() {
                case .failed: break
                case .failedAfter: end("an error")
                case .startFailed, .nothing: Issue.record("it was at work")
                }
                #expect(machine.begun(read: .max) <= requests)
                return
            }
            #expect(machine.requests == requests)
        }
    }

    // MARK: With probes between

    @Test func aProbeIsBetweenTwoRequests() {
        var machine = Self.replying()
        #expect(machine.give() == .write([]))
        #expect(machine.give() == .append(.before))
        #expect(machine.give() == .append(.before))
        for left in [2, 1, 0] {
            #expect(machine.received(.answer("WRITE", "x")).text == "answer")
            #expect(machine.requests == left)
            if left > 0 {
                #expect(machine.received(.pid).text == "nothing")
            }
        }
        #expect(machine.give() == .write([]))
    }

    @Test func aProbeBehindACloseIsBeforeTheNextRequest() {
        var machine = Self.replying()
        #expect(machine.give(isClose: true, probesCloses: true) == .write(.behind))
        #expect(machine.give() == .append([]))
        #expect(machine.give(isClose: true, probesCloses: true) == .append([.before, .behind]))
        #expect(machine.received(.pid).text == "unanswered")
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.received(.pid).text == "unanswered")
        #expect(machine.give() == .write([]), "nothing is outstanding")
    }

    @Test func aRequestBehindAProbeAloneIsWrittenAtOnce() {
        var machine = Self.replying()
        #expect(machine.give(isClose: true, probesCloses: true) == .write(.behind))
        #expect(machine.received(.answer("CLOSE", "")).text == "answer")
        #expect(machine.give() == .write([]))
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
    }

    @Test func anUnansweredRequestIsOverWithTheReply() {
        var machine = Self.replying()
        _ = machine.give()
        _ = machine.give()
        #expect(machine.received(.pid).text == "unanswered")
        #expect(machine.received(.answer("WRITE", "of the second")).text == "answer")
        #expect(machine.requests == 0)
    }

    @Test func anErrorIsOfTheRequestBeforeTheReply() {
        var machine = Self.replying()
        for _ in 1...3 { _ = machine.give() }
        #expect(machine.received(.error("boom")).text == "nothing", "no other probe is needed")
        #expect(machine.received(.pid).answered != nil)
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
        #expect(machine.received(.error("late")).text == "late error: late")
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.received(.error("boom")).text == "probe", "nothing is behind it")
        #expect(machine.received(.pid).answered != nil)
        #expect(machine.requests == 0)
    }

    @Test func anotherAnswerBeforeTheReplyBreaksIt() {
        var machine = Self.replying()
        _ = machine.give()
        _ = machine.give()
        #expect(machine.received(.answer("WRITE", "x"), isLast: false).text == "answer")
        #expect(machine.received(.answer("WRITE", "y")).text == "broken", "it must not become the second's")
        #expect(machine.read(.max) == 1, "it may have passed over the probe, and be the second's")
    }

    @Test func silenceIsMeasuredFromWhenARequestIsTheFirst() {
        var machine = Self.replying()
        _ = machine.give()
        #expect(machine.tick().text == "again")
        _ = machine.give()
        for _ in 1...10 {
            #expect(machine.tick().text == "again", "a probe is behind the first")
        }
        _ = machine.received(.answer("WRITE", "x"))
        _ = machine.received(.pid)
        #expect(machine.tick().text == "again")
        #expect(machine.tick().text == "probe")
        #expect(machine.received(.pid).text == "unanswered")
    }

    @Test func aWorkerThatIsToBeReplacedMayGoOn() {
        var machine = Self.replying()
        for _ in 1...3 { _ = machine.give() }
        #expect(machine.received(.answer("{\"stop\":true}", "")).text == "refused, may go on")
        #expect(machine.give() == .refuse)
        #expect(machine.begun(read: .max) == 0)
        #expect(machine.stop().text == "sendStop")
        #expect(machine.stop().text == "nothing")
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.begun(read: .max) == 1)
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
        #expect(machine.requests == 1)
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.closed().text == "failed")
        #expect(machine.begun(read: .max) == 1)
    }

    @Test func theAnswerToAStopIsNone() {
        var machine = Self.replying()
        for _ in 1...2 { _ = machine.give() }
        _ = machine.received(.answer("{\"stop\":true}", ""))
        _ = machine.stop()
        _ = machine.received(.pid)
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
        #expect(machine.received(.answer("CLOSE", "")).text == "nothing")
        #expect(machine.closed().text == "failed")
        #expect(machine.begun(read: .max) == 0)
    }

    @Test func aBusyWorkerIsNotAskedToStop() {
        for var machine in [Self.replying(), Self.announced()] {
            _ = machine.give()
            _ = machine.give()
            #expect(machine.stop().text == "kill")
        }
    }

    // MARK: Without probes

    @Test func aWorkerThatAnswersOnceIsNotProbed() {
        var machine = Self.announced()
        #expect(machine.give(isClose: true, probesCloses: true) == .write([]))
        #expect(machine.give() == .append([]))
        #expect(machine.give(isClose: true, probesCloses: true) == .append([]))
        for interval in [WorkerStateMachine.Interval.short, .long, .short, .long, .long] {
            #expect(machine.tick(interval).text == "again")
        }
        #expect(machine.received(.answer("CLOSE", ""), isLast: false).answered?.isToClose == true)
        #expect(machine.received(.error("boom"), isLast: false).answered?.isToClose == false)
        #expect(machine.received(.answer("CLOSE", "")).answered?.isToClose == true)
        #expect(machine.received(.answer("CLOSE", "")).text == "broken")
    }

    @Test func aWorkerThatAnswersOnceDoesNotReply() {
        var machine = Self.announced()
        _ = machine.give()
        #expect(machine.received(.pid).text == "broken")
    }

    @Test func itsRefusalIsItsLastWord() {
        var machine = Self.announced()
        for _ in 1...3 { _ = machine.give() }
        #expect(machine.received(.answer("WRITE", "x"), isLast: false).text == "answer")
        #expect(machine.received(.answer("{\"stop\":true}", "")).text == "refused, the last")
        #expect(machine.requests == 0)
        #expect(machine.stop().text == "sendStop")
        #expect(machine.closed().text == "nothing")
    }

    // MARK: The end

    @Test func ofThoseBehindAProbeNoneIsBegun() {
        var machine = Self.replying()
        for start in [100, 200, 300] {
            _ = machine.give(at: start)
        }
        #expect(machine.begun(read: .max) == 1)
        #expect(machine.begun(read: 101) == 1)
        #expect(machine.begun(read: 100) == 0)
        _ = machine.received(.answer("WRITE", "x"))
        #expect(machine.begun(read: .max) == 0, "it has not replied")
        _ = machine.received(.pid)
        #expect(machine.begun(read: .max) == 1)
        #expect(machine.begun(read: 150) == 0)
    }

    @Test func whatWasReadIsCountedBehindProbes() {
        var machine = Self.replying()
        for start in [100, 200, 300] {
            _ = machine.give(at: start)
        }
        #expect(machine.read(.max) == 3)
        #expect(machine.read(300) == 2)
        #expect(machine.read(100) == 0)
        _ = machine.received(.answer("WRITE", "x"))
        #expect(machine.read(.max) == 2, "a probe is the first")
        #expect(machine.read(201) == 1)
        #expect(machine.read(200) == 0)
    }

    @Test func aLastErrorIsTheFirstOnesAnswer() {
        var machine = Self.replying()
        for _ in 1...2 { _ = machine.give() }
        _ = machine.received(.error("boom"))
        #expect(machine.closed().text == "failed after its answer")
        #expect(machine.begun(read: .max) == 0)
    }

    @Test func whatAGatheringWorkerHasReadItMayHaveBegun() {
        var machine = Self.announced()
        for start in [100, 200, 300] {
            _ = machine.give(at: start)
        }
        #expect(machine.begun(read: .max) == 3)
        #expect(machine.begun(read: 300) == 2)
        #expect(machine.begun(read: 201) == 2)
        #expect(machine.begun(read: 0) == 0)
        _ = machine.received(.answer("WRITE", "x"))
        #expect(machine.begun(read: 300) == 1)
    }
}

extension WorkerStateMachine {
    fileprivate mutating func give(
        isClose: Bool = false,
        at start: Int = 0,
        size: Int = 100,
        probesCloses: Bool = false,
        mayTry: Bool = false
    ) -> LeaseAction {
        self.lease(isClose: isClose, at: start, size: size, probesCloses: probesCloses, mayTry: mayTry)
    }

    fileprivate mutating func received(_ frame: Frame, isLast: Bool = true) -> FrameAction {
        self.received(frame, isLast: isLast, mayProbe: true)
    }

    fileprivate mutating func tick(_ interval: Interval = .long) -> TickAction {
        self.tick(interval, mayProbe: true, knowsProbes: false, hasRead: true)
    }
}
