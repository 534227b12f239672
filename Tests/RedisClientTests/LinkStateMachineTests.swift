import Addresses
import NIOCore
import TestSupport
import Testing

@testable import RedisClient

/// A machine with a clock of its own; results are told by the numbers of calls.
private final class Rig {
    var machine: LinkStateMachine
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    /// What the machine did since it was looked at.
    private(set) var log: [String] = []
    /// Calls that are written and not answered.
    private(set) var written: [Int] = []
    private(set) var ended: [Int: Int] = [:]
    private var next = 0
    private var numbers: [String: Int] = [:]

    init(
        _ change: (inout RedisConfiguration) -> Void = { _ in }, greeting: Greeting = Greeting(RedisLogin())
    ) {
        var configuration = RedisConfiguration(.single(.tcp(host: "h", port: 1)))
        change(&configuration)
        self.machine = LinkStateMachine(configuration, greeting: greeting, name: "h:1")
    }

    static func up() -> Rig {
        let rig = Rig()
        rig.perform(rig.machine.start(now: rig.now))
        rig.connect()
        _ = rig.take()
        return rig
    }

    func take() -> [String] {
        defer { self.log = [] }
        return self.log
    }

    func connect() {
        self.perform(self.machine.connected())
        self.perform(self.machine.received(.array([]), now: self.now))
    }

    func fail(_ text: String = "lost") {
        self.perform(self.machine.failed(RedisError(.network, text), now: self.now))
    }

    @discardableResult
    func submit(asking: Bool = false) -> Int {
        let number = self.next
        self.next += 1
        var call = Call(RedisCommand(["PING", .number(number)]), arrived: self.now) { _ in }
        call.isAsking = asking
        self.perform(self.machine.submit(call, now: self.now))
        return number
    }

    func receive(_ value: RESPValue = .integer(1)) {
        self.perform(self.machine.received(value, now: self.now))
    }

    func advance(_ time: TimeAmount) {
        self.now = self.now + time
        while let deadline = self.machine.deadline, deadline <= self.now {
            self.perform(self.machine.timeReached(now: self.now))
        }
    }

    private func number(_ call: Call) -> Int {
        guard case .text(let text) = call.command.arguments[1] else { return -1 }
        return Int(text) ?? -1
    }

    func perform(_ actions: [LinkStateMachine.Action]) {
        for action in actions {
            switch action {
            case .connect: self.log.append("connect")
            case .greet(let command):
                self.log.append("greet \(command.arguments.count)")
            case .write(let call):
                self.log.append("write \(self.number(call))")
                self.written.append(self.number(call))
            case .complete(let call, _):
                self.log.append("complete \(self.number(call))")
                #expect(self.written.first == self.number(call))
                self.written.removeFirst()
                self.ended[self.number(call), default: 0] += 1
            case .fail(let call, let error, let isUnknown):
                self.log.append("fail \(self.number(call)) \(isUnknown ? "unknown " : "")\(error)")
                #expect(self.written.contains(self.number(call)) == isUnknown)
                self.written.removeAll { $0 == self.number(call) }
                self.ended[self.number(call), default: 0] += 1
            case .disconnect: self.log.append("disconnect")
            case .pause(let time): self.log.append("pause \(time.nanoseconds / 1_000_000)")
            case .tellLost(let error): self.log.append("lost \(error)")
            case .tellFailed: break
            case .tellReached: self.log.append("reached")
            case .tellHeard: self.log.append("heard")
            }
        }
    }
}

@Suite struct LinkStateMachineTests {
    @Test func callsWaitForTheConnectionAndAreWrittenInOrder() {
        let rig = Rig()
        rig.submit()
        rig.perform(rig.machine.start(now: rig.now))
        rig.submit()
        #expect(rig.take() == ["connect"])
        rig.perform(rig.machine.connected())
        #expect(rig.take() == ["greet 2"])
        rig.receive(.array([]))
        #expect(rig.take() == ["write 0", "write 1"])
        rig.submit()
        rig.receive()
        rig.receive()
        rig.receive()
        #expect(rig.take() == ["write 2", "complete 0", "complete 1", "complete 2"])
        #expect(rig.machine.deadline == nil)
    }

    @Test func callsFailOnceTheAttemptsAreUsedUpAndAtOnceAfterThat() {
        let rig = Rig()
        rig.perform(rig.machine.start(now: rig.now))
        rig.submit()
        _ = rig.take()
        rig.fail("refused")
        #expect(rig.take() == ["disconnect", "lost refused", "pause 8"])
        for pause in [16, 32] {
            rig.perform(rig.machine.pauseEnded(now: rig.now))
            rig.fail("refused")
            #expect(rig.take() == ["connect", "disconnect", "pause \(pause)"])
        }
        rig.perform(rig.machine.pauseEnded(now: rig.now))
        rig.fail("refused")
        #expect(rig.take() == ["connect", "disconnect", "fail 0 refused", "pause 64"])
        rig.submit()
        #expect(rig.take() == ["fail 1 refused"])
        rig.perform(rig.machine.pauseEnded(now: rig.now))
        rig.submit()
        #expect(rig.take() == ["connect", "fail 2 refused"])
        rig.connect()
        rig.submit()
        #expect(rig.take() == ["greet 2", "reached", "write 3"])
    }

    @Test func theBackoffIsBounded() {
        let rig = Rig()
        rig.perform(rig.machine.start(now: rig.now))
        for _ in 0..<100 {
            rig.fail()
            rig.perform(rig.machine.pauseEnded(now: rig.now))
        }
        rig.fail()
        #expect(rig.take().last == "pause 512")
    }

    @Test func aLostConnectionFailsWhatWasWritten() {
        let rig = Rig.up()
        rig.submit()
        rig.submit()
        rig.receive()
        rig.fail("EOF")
        #expect(
            rig.take() == [
                "write 0", "write 1", "complete 0", "disconnect", "lost EOF", "fail 1 unknown EOF", "pause 8",
            ])
        rig.submit()
        rig.perform(rig.machine.pauseEnded(now: rig.now))
        rig.connect()
        #expect(rig.take() == ["connect", "greet 2", "reached", "write 2"])
    }

    @Test func aConnectionThatNeverServesCountsAsFailed() {
        let rig = Rig.up()
        for pause in [8, 16, 32, 64] {
            rig.fail()
            #expect(rig.take().last == "pause \(pause)")
            rig.perform(rig.machine.pauseEnded(now: rig.now))
            rig.connect()
        }
        rig.advance(.seconds(1))
        rig.fail()
        #expect(rig.take().last == "pause 8")
    }

    @Test func timeouts() {
        let rig = Rig()
        rig.perform(rig.machine.start(now: rig.now))
        rig.submit()
        _ = rig.take()
        rig.advance(.seconds(4))
        rig.submit()
        #expect(rig.take() == [])
        rig.advance(.seconds(1))
        let timeout = "dial tcp h:1: i/o timeout"
        #expect(rig.take() == ["disconnect", "lost \(timeout)", "pause 8", "fail 0 \(timeout)"])
        rig.perform(rig.machine.pauseEnded(now: rig.now))
        rig.connect()
        #expect(rig.take() == ["connect", "greet 2", "reached", "write 1"])
        // Not taken by the system.
        rig.advance(.seconds(3))
        let unwritten = "write tcp h:1: i/o timeout"
        #expect(rig.take() == ["disconnect", "lost \(unwritten)", "fail 1 unknown \(unwritten)", "pause 8"])
        rig.perform(rig.machine.pauseEnded(now: rig.now))
        rig.connect()
        rig.submit()
        rig.advance(.seconds(2))
        rig.machine.flushed(1, now: rig.now)
        rig.submit()
        rig.advance(.seconds(2))
        _ = rig.take()
        rig.advance(.seconds(1))
        let unread = "read tcp h:1: i/o timeout"
        #expect(
            rig.take() == [
                "disconnect", "lost \(unread)", "fail 2 unknown \(unread)", "fail 3 unknown \(unread)", "pause 8",
            ])
    }

    @Test func theClockOfTheNextCallRunsSinceItsOwnWriting() {
        let rig = Rig.up()
        rig.submit()
        rig.machine.flushed(1, now: rig.now)
        rig.advance(.seconds(2))
        rig.submit()
        rig.machine.flushed(2, now: rig.now)
        rig.receive()
        rig.advance(.seconds(2))
        #expect(rig.take() == ["write 0", "write 1", "complete 0"])
        rig.receive()
        #expect(rig.take() == ["complete 1"])
    }

    @Test func theReplyToAskingIsLeftOut() {
        let rig = Rig.up()
        rig.submit(asking: true)
        rig.receive(.text("OK"))
        #expect(rig.take() == ["write 0"])
        rig.receive()
        #expect(rig.take() == ["complete 0"])
    }

    @Test func aReplyToNothingBreaksTheConnectionAndAPushDoesNot() {
        let rig = Rig.up()
        rig.receive(.push([]))
        #expect(rig.take() == [])
        rig.receive()
        #expect(rig.take().first == "disconnect")
    }

    @Test func aConnectionThatListensTellsOfWhatItHears() {
        let rig = Rig(greeting: Greeting(RedisLogin(), channel: "news"))
        rig.perform(rig.machine.start(now: rig.now))
        rig.connect()
        #expect(rig.take() == ["connect", "greet 2", "greet 2"])
        rig.receive(.push([.text("subscribe")]))
        #expect(rig.take() == [])
        rig.receive(.push([.text("message")]))
        // As RESP2 has it.
        rig.receive(.array([.text("message")]))
        #expect(rig.take() == ["heard", "heard"])
        rig.fail("EOF")
        #expect(rig.take() == ["disconnect", "lost EOF", "pause 8"])
    }

    @Test func aRefusedGreetingIsAFailure() {
        let rig = Rig()
        rig.perform(rig.machine.start(now: rig.now))
        rig.perform(rig.machine.connected())
        rig.receive(.error("WRONGPASS no"))
        #expect(rig.take() == ["connect", "greet 2", "disconnect", "lost WRONGPASS no", "pause 8"])
    }

    @Test func closingFailsAllCalls() {
        let rig = Rig.up()
        rig.submit()
        rig.perform(rig.machine.close())
        rig.submit()
        #expect(
            rig.take() == [
                "write 0", "disconnect", "fail 0 unknown \(RedisError.closed)", "fail 1 \(RedisError.closed)",
            ])
    }

    /// Whatever happens, each call ends exactly once, and replies go to calls in the order of their writing.
    @Test(arguments: [UInt64(1), 2, 3])
    func everyCallEndsOnce(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let rig = Rig()
            var submitted: [Int] = []
            for _ in 0..<60 {
                switch random.pick(0...9) {
                case 0...2: submitted.append(rig.submit(asking: random.chance(10)))
                case 3: rig.perform(rig.machine.start(now: rig.now))
                case 4: rig.perform(rig.machine.connected())
                case 5: rig.receive(random.chance(10) ? .error("ERR") : .integer(1))
                case 6: rig.perform(rig.machine.pauseEnded(now: rig.now))
                case 7: rig.advance(.milliseconds(Int64(random.pick(0...4000))))
                case 8: rig.machine.flushed(random.pick(0...10), now: rig.now)
                default: if random.chance(30) { rig.fail() }
                }
                #expect(rig.ended.values.allSatisfy { $0 == 1 }, "seed \(seed)")
            }
            rig.perform(rig.machine.close())
            #expect(Set(rig.ended.keys) == Set(submitted), "seed \(seed)")
            #expect(rig.ended.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        }
    }
}

@Suite struct GreetingTests {
    private func command(_ words: String) -> RedisCommand {
        RedisCommand(words.split(separator: " ").map { .text(String($0)) })
    }

    @Test func aNewServer() {
        var greeting = Greeting(RedisLogin(username: "u", password: "p", database: 5))
        #expect(greeting.first == self.command("HELLO 3 AUTH u p"))
        #expect(greeting.next(.array([])) == .send(self.command("SELECT 5")))
        #expect(greeting.next(.text("OK")) == .done)
        #expect(Greeting(RedisLogin(password: "p")).first == self.command("HELLO 3 AUTH default p"))
        var plain = Greeting(RedisLogin())
        #expect(plain.first == self.command("HELLO 3"))
        #expect(plain.next(.array([])) == .done)
    }

    @Test func anOldServer() {
        var greeting = Greeting(RedisLogin(password: "p", database: 5))
        #expect(greeting.next(.error("ERR unknown command `HELLO`")) == .send(self.command("AUTH p")))
        #expect(greeting.next(.text("OK")) == .send(self.command("SELECT 5")))
        #expect(greeting.next(.error("ERR DB index is out of range")) == .refused("ERR DB index is out of range"))
        var named = Greeting(RedisLogin(username: "u", password: "p"))
        #expect(named.next(.error("NOPROTO unsupported protocol version")) == .send(self.command("AUTH u p")))
        #expect(named.next(.error("ERR invalid password")) == .refused("ERR invalid password"))
    }

    @Test(arguments: ["WRONGPASS no", "NOAUTH HELLO must be called", "ERR max number of clients reached"])
    func refusals(text: String) {
        var greeting = Greeting(RedisLogin(password: "p"))
        #expect(greeting.next(.error(text)) == .refused(text))
    }

    @Test func aReplicaIsNoMaster() {
        func hello(_ role: String) -> RESPValue { .array([.text("proto"), .integer(3), .text("role"), .text(role)]) }
        var greeting = Greeting(RedisLogin(), needsMaster: true)
        #expect(greeting.next(hello("replica")) == .refused("redis: the server is a replica, not the master"))
        greeting = Greeting(RedisLogin(), needsMaster: true)
        #expect(greeting.next(hello("master")) == .done)
        greeting = Greeting(RedisLogin())
        #expect(greeting.next(hello("replica")) == .done)
    }
}
