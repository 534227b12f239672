import Goridge
import NIOCore
import Testing

@testable import WorkerPool

@Suite struct WorkerStateMachineTests {
    enum State: CaseIterable {
        case handshake, idle, busy, stopping, broken, closed
    }

    static func machine(_ state: State) -> WorkerStateMachine {
        var machine = WorkerStateMachine()
        if state == .handshake {
            return machine
        }
        _ = machine.received(.pid, isLast: true)
        switch state {
        case .handshake, .idle: break
        case .busy: _ = machine.lease()
        case .stopping: _ = machine.stop()
        case .broken: _ = machine.giveUp()
        case .closed: _ = machine.closed()
        }
        return machine
    }

    // MARK: Frames

    @Test func theHandshakeMakesItReady() {
        var machine = WorkerStateMachine()
        #expect(machine.isStarting)
        #expect(machine.received(.pid, isLast: true).text == "ready")
        #expect(!machine.isStarting)
        #expect(machine.lease() == true)
    }

    @Test(arguments: [
        Frame(payload: ByteBuffer(string: "{\"pid\":1}")), .stop, .answer("WRITE", "x"),
        Frame(flags: .control, payload: ByteBuffer(string: "hello")), Frame(flags: .error, payload: ByteBuffer()),
    ])
    func anyOtherFirstFrameBreaksIt(_ frame: Frame) {
        var machine = WorkerStateMachine()
        #expect(machine.received(frame, isLast: true).text == "broken")
        #expect(machine.lease() == false)
        #expect(machine.closed().text == "none")
    }

    @Test(arguments: [Frame.pid, .answer("WRITE", "x"), .stop])
    func aFrameThatNobodyAskedForBreaksIt(_ frame: Frame) {
        var machine = Self.machine(.idle)
        guard case .broken(_, isBusy: false) = machine.received(frame, isLast: true) else {
            Issue.record("it goes on")
            return
        }
        #expect(machine.lease() == false)
    }

    @Test(arguments: [State.stopping, .broken, .closed])
    func framesAreIgnoredAtTheEnd(_ state: State) {
        var machine = Self.machine(state)
        for frame in [Frame.pid, .answer("WRITE", "x"), .answer("{\"stop\":true}", ""), .stop] {
            #expect(machine.received(frame, isLast: true).text == "ignore")
        }
        #expect(machine.lease() == false)
    }

    // MARK: Answers

    @Test(arguments: [
        ("WRITE", "hello"), ("", ""), ("", "body"), ("CLOSE", ""), ("{\"stop\":true}", "body"), ("{", ""),
    ])
    func anAnswerIsSplitIntoContextAndBody(context: String, body: String) {
        var machine = Self.machine(.busy)
        guard
            case .answer(.reply(let gotContext, let gotBody), let isUsable) =
                machine.received(.answer(context, body), isLast: true)
        else {
            Issue.record("no answer")
            return
        }
        #expect(String(buffer: gotContext) == context)
        #expect(String(buffer: gotBody) == body)
        #expect(isUsable)
        #expect(machine.lease() == true, "it is free again")
    }

    @Test func anErrorFrameIsAnAnswer() {
        var machine = Self.machine(.busy)
        let frame = Frame(flags: .error, payload: ByteBuffer(string: "boom"))
        guard case .answer(.error(let message), isUsable: true) = machine.received(frame, isLast: true) else {
            Issue.record("no error")
            return
        }
        #expect(String(buffer: message) == "boom")
        #expect(machine.lease() == true)
    }

    @Test func aRequestToBeReplacedIsARefusal() {
        var machine = Self.machine(.busy)
        #expect(machine.received(.answer("{\"stop\":true}", ""), isLast: true).text == "refused")
        #expect(machine.stop().text == "sendStop")
    }

    @Test func aRefusalWithBytesBehindItCanStillBeStopped() {
        var machine = Self.machine(.busy)
        #expect(machine.received(.answer("{\"stop\":true}", ""), isLast: false).text == "refused")
        #expect(machine.stop().text != "none", "nobody would ever end it")
    }

    @Test func bytesBehindAnAnswerMakeItUnusable() {
        for frame in [Frame.answer("WRITE", "x"), Frame(flags: .error, payload: ByteBuffer())] {
            var machine = Self.machine(.busy)
            guard case .answer(_, isUsable: false) = machine.received(frame, isLast: false) else {
                Issue.record("it goes on")
                continue
            }
            #expect(machine.lease() == false)
            #expect(machine.received(.answer("WRITE", "y"), isLast: true).text == "ignore")
        }
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
        guard case .broken(let reason, isBusy: true) = machine.received(frame, isLast: true) else {
            Issue.record("it goes on")
            return
        }
        #expect(!reason.isEmpty)
        #expect(machine.lease() == false)
        #expect(machine.stop().text == "none")
        #expect(machine.closed().text == "none")
    }

    @Test func anOptionAsLongAsThePayloadIsFine() {
        var machine = Self.machine(.busy)
        #expect(machine.received(.answer("CONTINUE", ""), isLast: true).text == "answer")
    }

    // MARK: Everything else in every state

    @Test(arguments: zip(State.allCases, [false, true, false, false, false, false]))
    func onlyAnIdleWorkerTakesARequest(state: State, takes: Bool) {
        var machine = Self.machine(state)
        #expect(machine.lease() == takes)
        #expect(machine.lease() == false, "never a second one")
    }

    @Test(
        arguments: zip(
            State.allCases,
            ["fail idle", "fail idle", "fail busy", "none", "none", "none"]
        )
    )
    func givingUpIsToldOnce(state: State, action: String) {
        var machine = Self.machine(state)
        #expect(machine.giveUp().text == action)
        #expect(machine.giveUp().text == "none")
        #expect(machine.closed().text == "none")
    }

    @Test(arguments: zip(State.allCases, ["kill", "sendStop", "kill", "none", "none", "none"]))
    func stoppingIsDoneOnce(state: State, action: String) {
        var machine = Self.machine(state)
        #expect(machine.stop().text == action)
        #expect(machine.stop().text == "none")
        #expect(machine.closed().text == "none", "its end was asked for")
    }

    @Test(arguments: zip(State.allCases, ["startFailed", "failed idle", "failed busy", "none", "none", "none"]))
    func theEndIsToldOnce(state: State, action: String) {
        var machine = Self.machine(state)
        #expect(machine.closed().text == action)
        #expect(machine.closed().text == "none")
        #expect(machine.stop().text == "none")
        #expect(machine.giveUp().text == "none")
        #expect(machine.lease() == false)
    }

    @Test(arguments: zip(State.allCases, [true, false, false, false, false, false]))
    func itIsStartingUntilItsHandshake(state: State, isStarting: Bool) {
        #expect(Self.machine(state).isStarting == isStarting)
    }
}

extension Frame {
    static let pid = Frame(flags: .control, payload: ByteBuffer(string: "{\"pid\":42}"))
    static let stop = Frame(flags: .control, payload: ByteBuffer(string: "{\"stop\":true}"))

    static func answer(_ context: String, _ body: String) -> Frame {
        Frame(optionCount: 1, firstOption: UInt32(context.utf8.count), payload: ByteBuffer(string: context + body))
    }
}

extension WorkerStateMachine.FrameAction {
    var text: String {
        switch self {
        case .ready: "ready"
        case .answer: "answer"
        case .refused: "refused"
        case .ignore: "ignore"
        case .broken: "broken"
        }
    }
}

extension WorkerStateMachine.GiveUpAction {
    var text: String {
        switch self {
        case .fail(let isBusy): isBusy ? "fail busy" : "fail idle"
        case .none: "none"
        }
    }
}

extension WorkerStateMachine.StopAction {
    var text: String {
        switch self {
        case .sendStop: "sendStop"
        case .kill: "kill"
        case .none: "none"
        }
    }
}

extension WorkerStateMachine.CloseAction {
    var text: String {
        switch self {
        case .startFailed: "startFailed"
        case .failed(let isBusy): isBusy ? "failed busy" : "failed idle"
        case .none: "none"
        }
    }
}
