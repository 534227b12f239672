import Testing

@testable import Application

extension LifecycleStateMachine.Event {
    fileprivate static let stop = Self.stopRequested(isHasty: false)
}

@Suite struct LifecycleStateMachineTests {
    typealias Event = LifecycleStateMachine.Event
    typealias Action = LifecycleStateMachine.Action

    enum State: CaseIterable {
        case starting, listening, serving, withdrawing, draining, stopping, failing, stopped
    }

    private static func machine(_ state: State) -> LifecycleStateMachine {
        let events: [Event] =
            switch state {
            case .starting: []
            case .listening: [.poolReady]
            case .serving: [.poolReady, .listening(failure: nil)]
            case .withdrawing: [.poolReady, .listening(failure: nil), .stop]
            case .draining: [.poolReady, .listening(failure: nil), .stop, .withdrawn]
            case .stopping: [.poolReady, .listening(failure: nil), .stop, .withdrawn, .drained]
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
        #expect(machine.handle(.reloadRequested) == [.reload])
        #expect(machine.handle(.resetRequested) == [.reset])
        #expect(machine.handle(.stop) == [.withdraw])
        #expect(machine.handle(.withdrawn) == [.drain(sessionsGoOn: true)])
        #expect(machine.handle(.sessionsMustEnd) == [.endSessions])
        #expect(machine.handle(.drained) == [.closePool(atOnce: false)])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.success)])
        #expect(machine.handle(.poolEnded(failure: nil)) == [])
    }

    @Test func aPoolThatCannotStart() {
        var machine = LifecycleStateMachine()
        #expect(machine.handle(.poolEnded(failure: "no such file")) == [.exit(.failure("no such file"))])
        #expect(machine.handle(.poolReady) == [])
    }

    @Test func aPortThatIsTaken() {
        var machine = Self.machine(.listening)
        #expect(machine.handle(.listening(failure: "taken")) == [.closePool(atOnce: true)])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.failure("taken"))])
    }

    @Test func whoPressesControlCDoesNotWait() {
        var machine = Self.machine(.serving)
        #expect(machine.handle(.stopRequested(isHasty: true)) == [.drain(sessionsGoOn: false)])
        #expect(machine.handle(.withdrawn) == [])
        #expect(machine.handle(.drained) == [.closePool(atOnce: false)])
    }

    @Test func aDelayThatIsLongerThanSessionsMayGoOn() {
        var machine = Self.machine(.withdrawing)
        #expect(machine.handle(.sessionsMustEnd) == [.drain(sessionsGoOn: false)])
        #expect(machine.handle(.withdrawn) == [])
    }

    @Test(arguments: State.allCases)
    func sessionsMustEnd(_ state: State) {
        var machine = Self.machine(state)
        let actions: [Action] =
            switch state {
            case .withdrawing: [.drain(sessionsGoOn: false)]
            case .draining: [.endSessions]
            case .starting, .listening, .serving, .stopping, .failing, .stopped: []
            }
        #expect(machine.handle(.sessionsMustEnd) == actions)
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

    @Test func aStopWhileBinding() {
        var machine = Self.machine(.listening)
        #expect(machine.handle(.stop) == [])
        #expect(machine.handle(.listening(failure: nil)) == [.drain(sessionsGoOn: false)], "it is never announced")
        #expect(machine.handle(.drained) == [.closePool(atOnce: false)])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.success)])
    }

    @Test func aStopWhileBindingFails() {
        var machine = Self.machine(.listening)
        _ = machine.handle(.stop)
        #expect(machine.handle(.listening(failure: "taken")) == [.closePool(atOnce: true)])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.failure("taken"))])
    }

    @Test func connectionsThatDoNotEndInTime() {
        var machine = Self.machine(.draining)
        #expect(machine.handle(.timeIsUp) == [.killWorkers])
        #expect(machine.handle(.drained) == [])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.failure("the grace period is over"))])
    }

    @Test func workersThatDoNotEndInTime() {
        var machine = Self.machine(.stopping)
        #expect(machine.handle(.timeIsUp) == [.killWorkers])
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.failure("the grace period is over"))])
    }

    @Test func theFirstReasonIsKept() {
        var machine = Self.machine(.failing)
        #expect(machine.handle(.timeIsUp) == [.killWorkers])
        #expect(machine.handle(.poolEnded(failure: "late")) == [.exit(.failure("taken"))])
    }

    @Test(arguments: [State.listening, .serving, .withdrawing, .draining])
    func aPoolThatEndsByItselfIsAFailure(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.poolEnded(failure: nil)) == [.exit(.failure("the pool has ended"))])
        #expect(machine.handle(.stop) == [])
    }

    // MARK: Everything else in every state

    @Test(arguments: zip(State.allCases, [[.listen], [], [], [], [], [], [], []] as [[Action]]))
    func poolReady(state: State, actions: [Action]) {
        var machine = Self.machine(state)
        #expect(machine.handle(.poolReady) == actions)
    }

    @Test(arguments: zip(State.allCases, [[], [.announce], [], [], [], [], [], []] as [[Action]]))
    func listening(state: State, actions: [Action]) {
        var machine = Self.machine(state)
        #expect(machine.handle(.listening(failure: nil)) == actions)
    }

    @Test(
        arguments: zip(
            State.allCases,
            [[.closePool(atOnce: true)], [], [.withdraw], [], [], [], [], []] as [[Action]]
        )
    )
    func stopRequestedTwice(state: State, actions: [Action]) {
        var machine = Self.machine(state)
        #expect(machine.handle(.stop) == actions)
        #expect(machine.handle(.stop) == [], "the second signal is not the machine's business")
    }

    @Test(arguments: State.allCases)
    func reloadAndResetAtOnceWhileServingOnly(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.reloadRequested) == (state == .serving ? [.reload] : []))
        #expect(machine.handle(.resetRequested) == (state == .serving ? [.reset] : []))
    }

    @Test(
        arguments: zip(
            [
                [.resetRequested, .resetRequested], [.resetRequested, .reloadRequested],
                [.reloadRequested, .resetRequested],
            ],
            [.reset, .reload, .reload]
        ) as Zip2Sequence<[[Event]], [Action]>
    )
    func reloadAndResetDuringTheStartAreDoneAfterIt(events: [Event], action: Action) {
        var machine = LifecycleStateMachine()
        #expect(machine.handle(events[0]) == [])
        #expect(machine.handle(.poolReady) == [.listen])
        #expect(machine.handle(events[1]) == [])
        #expect(machine.handle(.listening(failure: nil)) == [.announce, action])
    }

    @Test func aStopDuringTheStartForgetsThem() {
        var machine = Self.machine(.listening)
        _ = machine.handle(.reloadRequested)
        _ = machine.handle(.stop)
        #expect(machine.handle(.listening(failure: nil)) == [.drain(sessionsGoOn: false)])
    }

    @Test(arguments: State.allCases)
    func drained(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.drained) == (state == .draining ? [.closePool(atOnce: false)] : []))
    }

    @Test(arguments: State.allCases)
    func timeIsUp(_ state: State) {
        var machine = Self.machine(state)
        let isEnding = [.withdrawing, .draining, .stopping, .failing].contains(state)
        #expect(machine.handle(.timeIsUp) == (isEnding ? [.killWorkers] : []))
        #expect(machine.handle(.timeIsUp) == (isEnding ? [.killWorkers] : []), "again")
    }

    @Test(arguments: State.allCases)
    func theEndOfThePoolIsTheEnd(_ state: State) {
        var machine = Self.machine(state)
        #expect(machine.handle(.poolEnded(failure: nil)).count == (state == .stopped ? 0 : 1))
        for event in [Event.poolReady, .listening(failure: nil), .stop, .drained, .timeIsUp, .reloadRequested] {
            #expect(machine.handle(event) == [])
        }
    }

    @Test func theGracePeriodCountsFromTheFirstStepOfTheEnd() {
        #expect(Action.withdraw.isBeginningOfEnd)
        #expect(Action.drain(sessionsGoOn: true).isBeginningOfEnd)
        #expect(Action.closePool(atOnce: true).isBeginningOfEnd)
        #expect(Action.closePool(atOnce: false).isBeginningOfEnd)
        for action in [Action.listen, .announce, .reload, .reset, .endSessions, .killWorkers, .exit(.success)] {
            #expect(!action.isBeginningOfEnd)
        }
    }
}
