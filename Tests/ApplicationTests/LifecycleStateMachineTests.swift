import Observability
import Testing

@testable import Application

extension LifecycleStateMachine.Event {
    fileprivate static let stop = Self.stopRequested(isHasty: false)
    fileprivate static let hastyStop = Self.stopRequested(isHasty: true)
}

@Suite struct LifecycleStateMachineTests {
    typealias Event = LifecycleStateMachine.Event
    typealias Action = LifecycleStateMachine.Action

    enum State: CaseIterable {
        case starting, listening, serving, reloading, withdrawing, draining, stopping, failing, stopped
    }

    private static func machine(_ state: State) -> LifecycleStateMachine {
        let serving: [Event] = [.poolReady, .listening(failure: nil)]
        let events: [Event] =
            switch state {
            case .starting: []
            case .listening: [.poolReady]
            case .serving: serving
            case .reloading: serving + [.reloadRequested]
            case .withdrawing: serving + [.stop]
            case .draining: serving + [.stop, .withdrawn]
            case .stopping: serving + [.stop, .withdrawn, .sessionsEnded]
            case .failing: [.poolReady, .listening(failure: "taken")]
            case .stopped: [.poolEnded(failure: "gone")]
            }
        var machine = LifecycleStateMachine()
        for event in events {
            _ = machine.handle(event)
        }
        return machine
    }

    // MARK: Whole lives

    @Test func aLifeAsItShouldBe() {
        var machine = LifecycleStateMachine()
        #expect(machine.handle(.poolReady) == [.listen])
        #expect(machine.handle(.listening(failure: nil)) == [.announce])
        #expect(machine.handle(.reloadRequested) == [.prepareReload])
        #expect(machine.handle(.reloadPrepared) == [.finishReload])
        #expect(machine.handle(.resetRequested) == [.reset])
        #expect(machine.handle(.stop) == [.withdraw])
        #expect(machine.handle(.withdrawn) == [.drain(sessionsGoOn: true)])
        #expect(machine.handle(.sessionsEnded) == [.closePool(atOnce: false)])
        #expect(machine.handle(.socketsClosed) == [])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.success)])
        #expect(machine.handle(.poolEnded(failure: nil)) == [])
    }

    @Test func anEndThatTakesAllItsTime() {
        var machine = Self.machine(.draining)
        #expect(machine.handle(.sessionsMustEnd) == [.endSessions])
        #expect(machine.handle(.requestsMustEnd) == [.endConnections, .cutOffRequests])
        #expect(machine.handle(.closesMustEnd) == [.closePool(atOnce: false)])
        #expect(machine.handle(.sessionsEnded) == [])
        #expect(machine.handle(.timeIsUp) == [.cutOff])
        #expect(machine.handle(.poolEnded(failure: nil)) == [])
        #expect(machine.handle(.socketsClosed) == [.exit(.success)], "nothing was cut off")
    }

    @Test func whatIsCutOffIsNoSuccess() {
        for moment in [Event.requestsMustEnd, .closesMustEnd, .timeIsUp] {
            var machine = Self.machine(.draining)
            _ = machine.handle(moment)
            #expect(machine.handle(.wasCutOff) == [])
            _ = machine.handle(.closesMustEnd)
            #expect(machine.handle(.socketsClosed) == [])
            #expect(
                machine.handle(.poolEnded(failure: nil)) == [
                    .exit(.failure("a request, an answer or a CLOSE was lost"))
                ])
        }
    }

    @Test func clientsReadWhileWorkersEnd() {
        var machine = Self.machine(.draining)
        #expect(machine.handle(.sessionsEnded) == [.closePool(atOnce: false)])
        #expect(machine.handle(.poolEnded(failure: nil)) == [], "an answer is still on its way")
        #expect(machine.handle(.socketsClosed) == [.exit(.success)])
    }

    @Test func aPoolThatCannotStart() {
        var machine = LifecycleStateMachine()
        #expect(machine.handle(.poolEnded(failure: "no such file")) == [.exit(.failure("no such file"))])
        #expect(machine.handle(.poolReady) == [])
    }

    @Test func aPortThatIsTaken() {
        var machine = Self.machine(.listening)
        #expect(machine.handle(.listening(failure: "taken")) == [.drain(sessionsGoOn: false)])
        #expect(machine.handle(.sessionsEnded) == [.closePool(atOnce: true)])
        #expect(machine.handle(.socketsClosed) == [])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.failure("taken"))])
    }

    @Test func whoPressesControlCDoesNotWait() {
        var machine = Self.machine(.serving)
        #expect(machine.handle(.hastyStop) == [.drain(sessionsGoOn: false)])
        #expect(machine.handle(.withdrawn) == [])
        #expect(machine.handle(.packetsMustEnd) == [.endConnections])
        #expect(machine.handle(.sessionsEnded) == [.closePool(atOnce: false)])
        #expect(machine.handle(.packetsMustEnd) == [])
    }

    @Test func aDelayThatIsLongerThanSessionsMayGoOn() {
        var machine = Self.machine(.withdrawing)
        #expect(machine.handle(.sessionsMustEnd) == [.drain(sessionsGoOn: false)])
        #expect(machine.handle(.withdrawn) == [])
    }

    @Test func aStopWhileWorkersStart() {
        var machine = LifecycleStateMachine()
        #expect(machine.handle(.stop) == [.closePool(atOnce: true)])
        #expect(machine.handle(.poolReady) == [], "nobody listens any more")
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.success)])
    }

    @Test func aWorkerThatFailsToStartAfterTheStopIsNoFailure() {
        var machine = LifecycleStateMachine()
        _ = machine.handle(.stop)
        #expect(machine.handle(.poolEnded(failure: "killed")) == [.exit(.success)])
    }

    @Test(arguments: [nil, "no such host"])
    func aStopWhileBindingDoesNotWaitForIt(failure: String?) {
        var machine = Self.machine(.listening)
        #expect(machine.handle(.stop) == [.drain(sessionsGoOn: false)])
        #expect(machine.phase == .draining)
        #expect(machine.handle(.listening(failure: failure)) == [], "it is never announced")
        #expect(machine.handle(.sessionsEnded) == [.closePool(atOnce: true)])
        #expect(machine.handle(.socketsClosed) == [])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.success)])
    }

    @Test func theFirstReasonIsKept() {
        var machine = Self.machine(.failing)
        #expect(machine.handle(.timeIsUp) == [.cutOff])
        _ = machine.handle(.wasCutOff)
        _ = machine.handle(.sessionsEnded)
        _ = machine.handle(.socketsClosed)
        #expect(machine.handle(.poolEnded(failure: "late")) == [.exit(.failure("taken"))])
    }

    @Test(arguments: [State.listening, .serving, .reloading, .withdrawing, .draining])
    func aPoolThatEndsByItselfIsAFailure(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.failure("the pool has ended"))])
        #expect(machine.handle(.stop) == [])
    }

    // MARK: Reload and reset

    @Test func aStopDoesNotWaitForAReload() {
        var machine = Self.machine(.reloading)
        #expect(machine.handle(.stop) == [.withdraw])
        #expect(machine.phase == .draining)
        #expect(machine.handle(.reloadPrepared) == [], "it comes too late")
        #expect(machine.handle(.withdrawn) == [.drain(sessionsGoOn: true)])
    }

    @Test func aReloadThatIsAskedForDuringAReloadIsDoneAfterItOnce() {
        var machine = Self.machine(.reloading)
        #expect(machine.handle(.reloadRequested) == [])
        #expect(machine.handle(.resetRequested) == [], "a reload includes it")
        #expect(machine.handle(.reloadRequested) == [])
        #expect(machine.handle(.reloadPrepared) == [.finishReload, .prepareReload])
        #expect(machine.handle(.reloadPrepared) == [.finishReload])
        #expect(machine.handle(.reloadPrepared) == [])
    }

    @Test func aResetThatIsAskedForDuringAReloadIsDoneAfterIt() {
        var machine = Self.machine(.reloading)
        #expect(machine.handle(.resetRequested) == [])
        #expect(machine.handle(.reloadPrepared) == [.finishReload, .reset])
        #expect(machine.handle(.resetRequested) == [.reset])
    }

    @Test(arguments: State.allCases)
    func reloadAndResetAtOnceWhileServingOnly(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.resetRequested) == (state == .serving ? [.reset] : []))
        #expect(machine.handle(.reloadRequested) == (state == .serving ? [.prepareReload] : []))
    }

    @Test(
        arguments: zip(
            [
                [.resetRequested, .resetRequested], [.resetRequested, .reloadRequested],
                [.reloadRequested, .resetRequested],
            ],
            [.reset, .prepareReload, .prepareReload]
        ) as Zip2Sequence<[[Event]], [Action]>
    )
    func reloadAndResetDuringTheStartAreDoneAfterIt(events: [Event], action: Action) {
        var machine = LifecycleStateMachine()
        #expect(machine.handle(events[0]) == [])
        #expect(machine.handle(.poolReady) == [.listen])
        #expect(machine.handle(events[1]) == [])
        #expect(machine.handle(.listening(failure: nil)) == [.announce, action])
        #expect(machine.handle(.reloadPrepared) == (action == .prepareReload ? [.finishReload] : []))
    }

    @Test func aStopDuringTheStartForgetsThem() {
        var machine = Self.machine(.listening)
        _ = machine.handle(.reloadRequested)
        #expect(machine.handle(.stop) == [.drain(sessionsGoOn: false)])
        #expect(machine.handle(.listening(failure: nil)) == [])
    }

    // MARK: Everything else in every state

    @Test(arguments: State.allCases)
    func poolReady(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.poolReady) == (state == .starting ? [.listen] : []))
    }

    @Test(arguments: State.allCases)
    func listening(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.listening(failure: nil)) == (state == .listening ? [.announce] : []))
    }

    @Test(arguments: State.allCases)
    func aStop(_ state: State) {
        for stop in [Event.stop, .hastyStop] {
            var machine = Self.machine(state)
            let actions: [Action] =
                switch (state, stop) {
                case (.starting, _): [.closePool(atOnce: true)]
                case (.serving, .stopRequested(isHasty: false)), (.reloading, .stopRequested(isHasty: false)):
                    [.withdraw]
                case (.listening, _), (.serving, _), (.reloading, _): [.drain(sessionsGoOn: false)]
                case (.withdrawing, _), (.draining, _), (.stopping, _), (.failing, _), (.stopped, _): []
                }
            #expect(machine.handle(stop) == actions)
            #expect(machine.handle(.stop) == [], "the second signal is not the machine's business")
        }
    }

    @Test(arguments: State.allCases)
    func theMomentsOfTheGracePeriod(_ state: State) {
        let isDraining = [.draining, .failing].contains(state)
        let isEnding = isDraining || [.withdrawing, .stopping].contains(state)
        func handle(_ event: Event) -> [Action] {
            var machine = Self.machine(state)
            return machine.handle(event)
        }
        let drain: [Action] = state == .withdrawing ? [.drain(sessionsGoOn: false)] : []
        #expect(handle(.sessionsMustEnd) == (isDraining ? [.endSessions] : drain))
        #expect(handle(.packetsMustEnd) == (isDraining ? [.endConnections] : []))
        #expect(handle(.requestsMustEnd) == (isDraining ? [.endConnections, .cutOffRequests] : []))
        #expect(handle(.closesMustEnd) == (isDraining ? [.closePool(atOnce: state == .failing)] : []))
        #expect(handle(.sessionsEnded) == (isDraining ? [.closePool(atOnce: state == .failing)] : []))
        #expect(handle(.timeIsUp) == (isEnding ? [.cutOff] : []))
    }

    @Test(arguments: State.allCases)
    func theEndOfThePoolIsTheEnd(_ state: State) {
        var machine = Self.machine(state)
        _ = machine.handle(.socketsClosed)
        #expect(machine.handle(.poolEnded(failure: nil)).count == (state == .stopped ? 0 : 1))
        let late: [Event] = [
            .poolReady, .listening(failure: nil), .stop, .sessionsEnded, .timeIsUp, .reloadRequested, .reloadPrepared,
            .socketsClosed, .wasCutOff, .requestsMustEnd,
        ]
        for event in late {
            #expect(machine.handle(event) == [])
        }
    }

    @Test func theGracePeriodCountsFromTheFirstStepOfTheEnd() {
        #expect(Action.withdraw.isBeginningOfEnd)
        #expect(Action.drain(sessionsGoOn: true).isBeginningOfEnd)
        #expect(Action.closePool(atOnce: true).isBeginningOfEnd)
        let others: [Action] = [
            .listen, .announce, .prepareReload, .finishReload, .reset, .endSessions, .endConnections, .cutOffRequests,
            .cutOff, .exit(.success),
        ]
        for action in others {
            #expect(!action.isBeginningOfEnd)
        }
    }
}
