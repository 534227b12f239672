import Goridge
import NIOCore
import TestSupport
import Testing
import WorkerPool

@testable import WorkerProcess

@Suite struct WorkerStateMachineTests {
    enum State: CaseIterable {
        case handshake, idle, busy, probed, doubtful, settling, trailing, stopping, broken, closed
    }

    static func machine(_ state: State) -> WorkerStateMachine {
        var machine = WorkerStateMachine(trial: nil)
        if state == .handshake {
            return machine
        }
        _ = machine.received(.pid)
        switch state {
        case .handshake, .idle: break
        case .busy: _ = machine.lease()
        case .probed: _ = machine.lease(isClose: true, probesCloses: true)
        case .doubtful:
            _ = machine.lease()
            _ = machine.received(.error("boom"))
        case .settling:
            _ = machine.lease(isClose: true, probesCloses: true)
            _ = machine.received(.answer("CLOSE", ""))
        case .trailing:
            _ = machine.lease()
            _ = machine.received(.answer("WRITE", "x"), isLast: false)
        case .stopping: _ = machine.stop()
        case .broken: _ = machine.giveUp()
        case .closed: _ = machine.closed()
        }
        return machine
    }

    // MARK: Frames

    @Test func theHandshakeMakesItReady() {
        var machine = WorkerStateMachine(trial: nil)
        #expect(machine.isStarting)
        #expect(machine.received(.pid).text == "ready")
        #expect(!machine.isStarting)
        #expect(machine.isWritable)
        #expect(machine.lease() == .write([]))
    }

    @Test(arguments: [
        Frame(payload: ByteBuffer(string: "{\"pid\":1}")), .stop, .answer("WRITE", "x"),
        Frame(flags: .control, payload: ByteBuffer(string: "hello")), .error(""),
    ])
    func anyOtherFirstFrameBreaksIt(_ frame: Frame) {
        var machine = WorkerStateMachine(trial: nil)
        #expect(machine.received(frame).text == "broken")
        #expect(machine.lease() == .refuse)
        #expect(machine.closed().text == "nothing")
    }

    @Test(arguments: [Frame.pid, .answer("WRITE", "x"), .stop])
    func aFrameThatNobodyAskedForBreaksIt(_ frame: Frame) {
        var machine = Self.machine(.idle)
        guard case .broken = machine.received(frame) else {
            Issue.record("it goes on")
            return
        }
        #expect(machine.lease() == .refuse)
    }

    @Test(arguments: [State.stopping, .broken, .closed])
    func framesAreIgnoredAtTheEnd(_ state: State) {
        var machine = Self.machine(state)
        for frame in [Frame.pid, .answer("WRITE", "x"), .answer("{\"stop\":true}", ""), .stop, .error("x")] {
            #expect(machine.received(frame).text == "nothing")
        }
        #expect(machine.lease() == .refuse)
    }

    // MARK: Answers

    @Test(arguments: [
        ("WRITE", "hello"), ("", ""), ("", "body"), ("CLOSE", ""), ("{\"stop\":true}", "body"), ("{", ""),
    ])
    func anAnswerIsSplitIntoContextAndBody(context: String, body: String) {
        var machine = Self.machine(.busy)
        guard let answer = machine.received(.answer(context, body)).answered, !answer.isToClose,
            answer.lateError == nil,
            case .reply(let gotContext, let gotBody) = answer.answer
        else {
            Issue.record("no answer")
            return
        }
        #expect(String(buffer: gotContext) == context)
        #expect(String(buffer: gotBody) == body)
        #expect(machine.isWritable)
        #expect(machine.lease() == .write([]), "it is free again")
    }

    @Test func aRequestToBeReplacedIsARefusal() {
        for state in [State.busy, .probed, .doubtful] {
            var machine = Self.machine(state)
            #expect(machine.received(.answer("{\"stop\":true}", "")).text == "refused, may go on")
            #expect(machine.stop().text == "sendStop")
        }
    }

    @Test func aRefusalWithBytesBehindItCanStillBeStopped() {
        var machine = Self.machine(.busy)
        #expect(machine.received(.answer("{\"stop\":true}", ""), isLast: false).text == "refused, may go on")
        #expect(machine.stop().text != "nothing", "nobody would ever end it")
    }

    @Test(arguments: [
        Frame(payload: ByteBuffer(string: "no option")),
        Frame(optionCount: 2, firstOption: 1, payload: ByteBuffer(string: "two")),
        Frame(optionCount: 1, firstOption: 4, payload: ByteBuffer(string: "abc")),
        Frame(optionCount: 1, firstOption: .max, payload: ByteBuffer(string: "abc")),
        Frame(streamFlags: .stream, optionCount: 1, firstOption: 0, payload: ByteBuffer()),
        .pid,
        .stop,
    ])
    func anAnswerAgainstTheProtocolBreaksIt(_ frame: Frame) {
        var machine = Self.machine(.busy)
        guard case .broken(let reason) = machine.received(frame) else {
            Issue.record("it goes on")
            return
        }
        #expect(!reason.isEmpty)
        #expect(machine.lease() == .refuse)
        #expect(machine.stop().text == "nothing")
        #expect(machine.closed().text == "nothing")
    }

    @Test func anOptionAsLongAsThePayloadIsFine() {
        var machine = Self.machine(.busy)
        #expect(machine.received(.answer("CONTINUE", "")).text == "answer")
    }

    // MARK: More than an answer

    @Test func anErrorBehindAnAnswerIsThatEventsMessage() {
        // In one read, and in two.
        for isLast in [true, false] {
            var machine = Self.machine(.busy)
            #expect(machine.received(.answer("WRITE", "x"), isLast: isLast).text == "answer")
            #expect(machine.lease() == (isLast ? .write([]) : .hold))
            guard !isLast else { continue }
            #expect(machine.received(.error("late")).text == "late error: late")
            #expect(machine.isWritable)
        }
        var machine = Self.machine(.idle)
        #expect(machine.received(.error("late")).text == "late error: late")
        #expect(machine.isWritable)
    }

    @Test func anotherAnswerBehindAnAnswerBreaksIt() {
        var machine = Self.machine(.trailing)
        guard case .broken = machine.received(.answer("WRITE", "y")) else {
            Issue.record("it goes on")
            return
        }
        #expect(machine.received(.answer("WRITE", "y")).text == "nothing")
    }

    @Test func bytesThatNeverBecomeAFrameBreakIt() {
        var machine = Self.machine(.trailing)
        #expect(machine.ticks(until: { $0 != "again" }) == "broken")
        #expect(machine.lease() == .refuse)
    }

    @Test func anErrorAloneIsTheAnswerWhenTheProbeIsRepliedTo() {
        var machine = Self.machine(.busy)
        #expect(machine.received(.error("boom")).text == "probe")
        #expect(machine.lease() == .hold)
        guard let answer = machine.received(.pid).answered, !answer.isToClose, answer.lateError == nil,
            case .error(let message) = answer.answer
        else {
            Issue.record("no answer")
            return
        }
        #expect(String(buffer: message) == "boom")
        #expect(machine.lease() == .write([]))
    }

    @Test func anErrorBeforeTheAnswerIsOfTheEventBefore() {
        var machine = Self.machine(.busy)
        #expect(machine.received(.error("late")).text == "probe")
        guard let answer = machine.received(.answer("WRITE", "x")).answered, case .reply = answer.answer,
            let error = answer.lateError
        else {
            Issue.record("no answer")
            return
        }
        #expect(String(buffer: error) == "late")
        #expect(machine.lease() == .hold, "the reply to the probe is still to come")
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.isWritable)
    }

    @Test func twoErrorsAreALateOneAndAnAnswer() {
        var machine = Self.machine(.doubtful)
        #expect(machine.received(.error("second")).text == "late error: boom")
        guard let answer = machine.received(.pid).answered, answer.lateError == nil,
            case .error(let message) = answer.answer
        else {
            Issue.record("no answer")
            return
        }
        #expect(String(buffer: message) == "second")
    }

    @Test func aWorkerThatIsNotProbedAnswersWithAnErrorAsEver() {
        var machine = Self.machine(.busy)
        let action = machine.received(.error("boom"), isLast: true, mayProbe: false)
        guard let answer = action.answered, answer.lateError == nil, case .error = answer.answer else {
            Issue.record("no answer")
            return
        }
        #expect(machine.isWritable)
    }

    @Test func anErrorIsTheLastAnswerWhenTheProbeGetsNoReply() {
        var machine = Self.machine(.doubtful)
        #expect(machine.ticks(until: { $0 != "again" }) == "last answer")
        #expect(machine.lease() == .hold, "the answer may still come")
        #expect(machine.stop().text == "sendStop")
        #expect(machine.received(.answer("WRITE", "x")).text == "nothing")
    }

    @Test func aWorkerThatIsKnownToReplyIsBusyForAsLongAsItDoesNot() {
        var machine = Self.machine(.doubtful)
        for _ in 1...20 {
            #expect(machine.tick(.long, mayProbe: true, knowsProbes: true, hasRead: true).text == "again")
        }
        #expect(machine.received(.answer("WRITE", "slow")).text == "answer")
    }

    @Test func aWorkerThatIsKnownToReplyIsNotWaitedForForEver() {
        var machine = Self.machine(.doubtful)
        let last = (1...400).first { _ in
            machine.tick(.long, mayProbe: true, knowsProbes: true, hasRead: true).text == "last answer"
        }
        #expect(last != nil, "it was replaced by one that does not know probes, say")
    }

    @Test func aProbeIsIgnoredWhenTheRequestBehindItIsAnswered() {
        var machine = Self.machine(.busy)
        _ = machine.ticks(until: { $0 == "probe" })
        #expect(machine.received(.answer("WRITE", "slow")).answered?.ignoredProbe == false, "the probe is behind it")
        #expect(machine.ticks(.short, until: { $0 != "again" }) == "no reply")
        #expect(machine.lease() == .write([]))
        #expect(machine.received(.answer("WRITE", "x")).answered?.ignoredProbe == true)
        #expect(machine.lease() == .write([]), "no reply is waited for any more")
    }

    @Test func aReplyThatComesAfterTheStopIsHeard() {
        var machine = Self.machine(.settling)
        #expect(machine.stop().text == "sendStop")
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.pipelines)
    }

    @Test func theReplyToAnEarlierProbeDoesNotMakeAnErrorTheAnswer() {
        var machine = Self.machine(.busy)
        _ = machine.ticks(until: { $0 == "probe" })
        #expect(machine.received(.answer("WRITE", "slow")).text == "answer")
        #expect(machine.ticks(.short, until: { $0 != "again" }) == "no reply")
        #expect(machine.lease() == .write([]))
        #expect(machine.received(.error("late")).text == "probe", "one that is behind this request")
        #expect(machine.received(.pid).text == "late error: late", "it is the first one's")
        #expect(machine.received(.answer("WRITE", "x")).text == "answer")
    }

    @Test func aWorkerThatEndsAfterAnErrorHasAnswered() {
        var machine = Self.machine(.doubtful)
        #expect(machine.closed().text == "failed after its answer")
    }

    // MARK: Silence

    @Test func anUnansweredCloseIsOverWhenTheProbeIsRepliedTo() {
        var machine = Self.machine(.idle)
        #expect(machine.lease(isClose: true, probesCloses: false) == .write([]))
        #expect(machine.ticks(.short, until: { $0 != "again" }) == "probe")
        guard case .unanswered(isClose: true) = machine.received(.pid) else {
            Issue.record("it waits for ever")
            return
        }
        #expect(machine.lease() == .write([]))
    }

    @Test func aCloseMayBeProbedAtOnce() {
        var machine = Self.machine(.idle)
        #expect(machine.lease(isClose: false, probesCloses: true) == .write([]), "no other event is")
        _ = machine.received(.answer("WRITE", ""))
        #expect(machine.lease(isClose: true, probesCloses: true) == .write(.behind))
        #expect(machine.received(.answer("CLOSE", "")).text == "answer")
        #expect(machine.lease() == .hold)
        #expect(machine.received(.pid).text == "nothing")
        #expect(machine.lease() == .write([]))
    }

    @Test func anUnansweredEventIsOverWhenTheProbeIsRepliedTo() {
        var machine = Self.machine(.busy)
        #expect(machine.ticks(until: { $0 != "again" }) == "probe")
        guard case .unanswered(isClose: false) = machine.received(.pid) else {
            Issue.record("it waits for ever")
            return
        }
    }

    @Test func aCloseIsProbedBeforeOtherEvents() {
        var (close, other) = (Self.machine(.idle), Self.machine(.idle))
        _ = close.lease(isClose: true, probesCloses: false)
        _ = other.lease()
        var ticks = 0
        while close.tick(.short).text == "again" {
            ticks += 1
            #expect(other.tick(.short).text == "pause", "its time is the long one")
        }
        #expect(ticks == 1, "a whole interval has passed then")
    }

    @Test func aLateReplyProvesNothingOfTheNextRequest() {
        var machine = Self.machine(.busy)
        _ = machine.ticks(until: { $0 == "probe" })
        #expect(machine.received(.answer("WRITE", "slow")).text == "answer")
        #expect(machine.ticks(.short, until: { $0 != "again" }) == "no reply")
        #expect(machine.lease() == .write([]))
        _ = machine.ticks(until: { $0 == "probe" })
        #expect(machine.received(.pid).text == "nothing", "it is the first one's")
        #expect(machine.requests == 1, "the request is being served")
        #expect(machine.received(.pid).text == "unanswered")
    }

    @Test func nothingIsProbedThatMayNotBe() {
        var machine = Self.machine(.busy)
        for _ in 1...100 {
            #expect(machine.tick(.long, mayProbe: false, knowsProbes: false, hasRead: true).text == "again")
        }
        #expect(machine.received(.answer("WRITE", "")).text == "answer")
    }

    @Test func oneProbeIsEnough() {
        var machine = Self.machine(.probed)
        for _ in 1...100 {
            #expect(machine.tick().text == "again")
        }
    }

    @Test func aControlFrameThatIsNoReplyIsNone() {
        var machine = Self.machine(.probed)
        #expect(machine.received(.stop).text == "broken")
    }

    // MARK: Everything else in every state

    @Test(arguments: zip(State.allCases, Self.leases))
    func onlyAnIdleWorkerTakesARequest(state: State, action: WorkerStateMachine.LeaseAction) {
        var machine = Self.machine(state)
        #expect(machine.isWritable == (action == .write([])))
        #expect(machine.lease() == action)
        #expect(!machine.isWritable, "never a second one")
    }

    static let leases: [WorkerStateMachine.LeaseAction] = [
        .refuse, .write([]), .hold, .hold, .hold, .hold, .hold, .refuse, .refuse, .refuse,
    ]

    @Test func whatIsUnreadIsNotFollowedByAProbe() {
        var machine = Self.machine(.busy)
        for _ in 1...3 {
            let action = machine.tick(.long, mayProbe: true, knowsProbes: true, hasRead: false)
            #expect(action.text == "again", "the worker might read half of it together with the request")
        }
        #expect(machine.tick(.long, mayProbe: true, knowsProbes: true, hasRead: true).text == "probe")
    }

    @Test(arguments: State.allCases)
    func givingUpIsToldOnce(state: State) {
        var machine = Self.machine(state)
        #expect(machine.begun(read: .max) == ([.busy, .probed, .doubtful].contains(state) ? 1 : 0))
        #expect(machine.giveUp() == ![.stopping, .broken, .closed].contains(state))
        #expect(machine.giveUp() == false)
        #expect(machine.closed().text == "nothing")
    }

    @Test(
        arguments: zip(
            State.allCases,
            ["kill", "sendStop", "kill", "kill", "kill", "sendStop", "sendStop", "nothing", "nothing", "nothing"]
        )
    )
    func stoppingIsDoneOnce(state: State, action: String) {
        var machine = Self.machine(state)
        #expect(machine.stop().text == action)
        #expect(machine.stop().text == "nothing")
        #expect(machine.closed().text == "nothing", "its end was asked for")
    }

    @Test(
        arguments: zip(
            State.allCases,
            [
                "startFailed", "failed", "failed", "failed", "failed after its answer", "failed", "failed", "nothing",
                "nothing", "nothing",
            ]
        )
    )
    func theEndIsToldOnce(state: State, action: String) {
        var machine = Self.machine(state)
        #expect(machine.closed().text == action)
        #expect(machine.closed().text == "nothing")
        #expect(machine.stop().text == "nothing")
        #expect(machine.giveUp() == false)
        #expect(machine.lease() == .refuse)
    }

    @Test(arguments: State.allCases)
    func itIsStartingUntilItsHandshake(state: State) {
        #expect(Self.machine(state).isStarting == (state == .handshake))
    }
}

extension WorkerStateMachine {
    fileprivate mutating func received(_ frame: Frame, isLast: Bool = true) -> FrameAction {
        self.received(frame, isLast: isLast, mayProbe: true)
    }

    fileprivate mutating func tick(_ interval: Interval = .long) -> TickAction {
        self.tick(interval, mayProbe: true, knowsProbes: false, hasRead: true)
    }

    fileprivate mutating func lease() -> LeaseAction {
        self.lease(isClose: false, probesCloses: false)
    }

    fileprivate mutating func lease(isClose: Bool, probesCloses: Bool) -> LeaseAction {
        self.lease(isClose: isClose, at: 0, size: 100, probesCloses: probesCloses, mayTry: false)
    }

    /// Lets time pass until an action is as it should be; at most a while.
    fileprivate mutating func ticks(_ interval: Interval = .long, until isRight: (String) -> Bool) -> String {
        var text = ""
        for _ in 1...30 {
            text = self.tick(interval).text
            if isRight(text) {
                break
            }
        }
        return text
    }
}

extension Frame {
    static let pid = Frame(flags: .control, payload: ByteBuffer(string: "{\"pid\":42}"))
    static let announced = Frame(
        flags: .control, payload: ByteBuffer(string: "{\"pid\":42,\"answers\":\"batched\"}"))
    static let stop = Frame(flags: .control, payload: ByteBuffer(string: "{\"stop\":true}"))

    static func answer(_ context: String, _ body: String) -> Frame {
        Frame(optionCount: 1, firstOption: UInt32(context.utf8.count), payload: ByteBuffer(string: context + body))
    }

    static func error(_ message: String) -> Frame {
        Frame(flags: .error, payload: ByteBuffer(string: message))
    }
}

extension WorkerStateMachine.FrameAction {
    var answered: (answer: WorkerAnswer, isToClose: Bool, lateError: ByteBuffer?, ignoredProbe: Bool)? {
        switch self {
        case .answer(let answer, let isToClose): (answer, isToClose, nil, false)
        case .answerAfter(let aside, let answer, let isToClose):
            (answer, isToClose, aside.lateError, aside.ignoredProbe)
        default: nil
        }
    }

    var text: String {
        switch self {
        case .ready: "ready"
        case .answer, .answerAfter: "answer"
        case .unanswered: "unanswered"
        case .lateError(let message): "late error: \(String(buffer: message))"
        case .probe: "probe"
        case .refused(let isLast): isLast ? "refused, the last" : "refused, may go on"
        case .nothing: "nothing"
        case .broken: "broken"
        }
    }
}

extension WorkerStateMachine.TickAction {
    var text: String {
        switch self {
        case .again: "again"
        case .pause: "pause"
        case .probe: "probe"
        case .noReply: "no reply"
        case .lastAnswer: "last answer"
        case .broken: "broken"
        }
    }
}

extension WorkerStateMachine.StopAction {
    var text: String {
        switch self {
        case .sendStop: "sendStop"
        case .kill: "kill"
        case .nothing: "nothing"
        }
    }
}

extension WorkerStateMachine.CloseAction {
    var text: String {
        switch self {
        case .startFailed: "startFailed"
        case .failed: "failed"
        case .failedAfter: "failed after its answer"
        case .nothing: "nothing"
        }
    }
}
