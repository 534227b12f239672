import Addresses
import NIOCore
import Testing

@testable import RedisClient

private let a = ListenAddress.tcp(host: "a", port: 1)
private let b = ListenAddress.tcp(host: "b", port: 2)
private let c = ListenAddress.tcp(host: "c", port: 3)

@Suite struct DiscoveryTests {
    private let error = RedisError(.network, "refused")

    @Test func theNextIsAskedWhenOneFailsOrIsSlow() {
        var discovery = Discovery()
        #expect(discovery.start([a, b, c]) == [.ask(a), .hedge(round: 1)])
        #expect(discovery.failed(self.error) == [.ask(b), .hedge(round: 1)])
        #expect(discovery.slow(round: 1) == [.ask(c)])
        #expect(discovery.slow(round: 1) == [])
        #expect(discovery.succeeded() == [.dismiss, .settle])
        #expect(discovery.slow(round: 1) == [])
        #expect(discovery.failed(self.error) == [])
        #expect(discovery.settled([a]) == [])
        #expect(discovery.start([a]) == [.ask(a)])
    }

    @Test func ifNobodyKnowsItIsTriedAgain() {
        var discovery = Discovery()
        _ = discovery.start([a, b])
        #expect(discovery.slow(round: 1) == [.ask(b)])
        #expect(discovery.failed(self.error) == [])
        #expect(discovery.failure == nil)
        #expect(discovery.failed(self.error) == [.tellFailed(self.error, isFirst: true), .pause(failures: 1)])
        #expect(discovery.failure == self.error)
        #expect(discovery.start([a]) == [])
        #expect(discovery.pauseEnded([a]) == [.ask(a)])
        #expect(discovery.failed(self.error) == [.tellFailed(self.error, isFirst: false), .pause(failures: 2)])
        #expect(discovery.pauseEnded([a]) == [.ask(a)])
        #expect(discovery.succeeded() == [.dismiss, .settle])
        #expect(discovery.failure == nil)
    }

    @Test func aChangeDuringTheQuestionOrJustAfterItIsAskedForLater() {
        var discovery = Discovery()
        _ = discovery.start([a])
        #expect(discovery.start([a]) == [])
        #expect(discovery.succeeded() == [.dismiss, .settle])
        #expect(discovery.settled([b]) == [.ask(b)])
        #expect(discovery.succeeded() == [.dismiss, .settle])
        #expect(discovery.start([b]) == [])
        #expect(discovery.settled([b]) == [.ask(b)])
    }
}

@Suite struct RouterTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func call(
        slot: Int? = nil, pinned: ListenAddress? = nil, isRepeatable: Bool = true, retries: Int = 0,
        redirections: Int = 0
    ) -> Call {
        let command = RedisCommand(["GET"], slot: slot.flatMap { HashSlot($0) }, isRepeatable: isRepeatable)
        var call = Call(command, arrived: self.now, pinned: pinned) { _ in }
        call.retries = retries
        call.redirections = redirections
        return call
    }

    private func slots(_ entries: (Int64, Int64, String, Int64)...) -> RESPValue {
        .array(
            entries.map {
                .array([.integer($0.0), .integer($0.1), .array([.text($0.2), .integer($0.3)])])
            })
    }

    private func text(_ verdict: Router.Verdict) -> String {
        let notes = (verdict.isOutdated ? " outdated" : "") + (verdict.endsLink ? " ends" : "")
        switch verdict.next {
        case .finish(.success(let value)): return "success \(value)\(notes)"
        case .finish(.failure(let error)): return "failure \(error)\(notes)"
        case .retry(let time): return "retry \(time.nanoseconds / 1_000_000)\(notes)"
        case .redirect(let address): return "redirect \(address)\(notes)"
        }
    }

    @Test func oneServer() {
        let router = Router(RedisConfiguration(.single(a)))
        #expect(router.target(of: self.call()) == .server(a))
        #expect(router.masters == [a])
        #expect(router.question == nil)
    }

    @Test func theMasterOfSentinels() throws {
        var router = Router(RedisConfiguration(.sentinel(master: "m", sentinels: [a, b, a])))
        #expect(router.target(of: self.call()) == .unknown)
        #expect(router.sources == [a, b])
        #expect(throws: RedisError(.reply, "redis: no sentinel knows a master `m`")) {
            try router.learn(.null, from: a)
        }
        #expect(throws: RedisError(.reply, "NOAUTH")) { try router.learn(.error("NOAUTH"), from: a) }
        let reply = RESPValue.array([.text("c"), .text("3")])
        #expect(try router.learn(reply, from: a))
        #expect(try router.learn(reply, from: b) == false)
        #expect(router.target(of: self.call()) == .server(c))
        #expect(router.masters == [c])
    }

    @Test func theMastersOfACluster() throws {
        var router = Router(RedisConfiguration(.cluster([a, b])))
        #expect(router.target(of: self.call(slot: 3)) == .unknown)
        #expect(throws: RedisError.self) { try router.learn(.array([]), from: a) }
        #expect(try router.learn(self.slots((0, 10, "b", 2), (20, 16383, "c", 3)), from: a))
        #expect(router.target(of: self.call(slot: 3)) == .server(b))
        #expect(router.target(of: self.call(slot: 30)) == .server(c))
        #expect(router.target(of: self.call()) == .server(b))
        #expect(router.target(of: self.call(slot: 3, pinned: c)) == .server(c))
        #expect(
            router.target(of: self.call(slot: 15)) == .none(RedisError(.reply, "CLUSTERDOWN Hash slot not served")))
        #expect(router.sources == [b, c, a])
    }

    @Test func replies() {
        let router = Router(RedisConfiguration(.cluster([a])))
        func verdict(_ text: String, on call: Call) -> String {
            self.text(router.verdict(on: call, .error(text), from: a))
        }
        #expect(self.text(router.verdict(on: self.call(), .integer(1), from: a)) == "success integer(1)")
        #expect(verdict("ERR x", on: self.call()) == "failure ERR x")
        #expect(verdict("MOVED 1 b:2", on: self.call()) == "redirect b:2 outdated")
        #expect(verdict("ASK 1 b:2", on: self.call()) == "redirect b:2")
        #expect(verdict("MOVED 1 b:2", on: self.call(redirections: 5)) == "failure MOVED 1 b:2 outdated")
        #expect(verdict("MOVED 1 b:2", on: self.call(pinned: a)) == "failure MOVED 1 b:2 outdated")
        // Refused commands were not run: any may be sent again.
        #expect(verdict("LOADING", on: self.call(isRepeatable: false)) == "retry 8 outdated")
        #expect(verdict("TRYAGAIN", on: self.call(retries: 2)) == "retry 32 outdated")
        #expect(verdict("TRYAGAIN", on: self.call(retries: 3)) == "failure TRYAGAIN outdated")
        #expect(verdict("READONLY", on: self.call()) == "retry 8 outdated ends")
    }

    @Test func lostCalls() {
        let error = RedisError(.network, "EOF")
        let cluster = Router(RedisConfiguration(.cluster([a])))
        let single = Router(RedisConfiguration(.single(a)))
        func verdict(_ router: Router, _ call: Call, isUnknown: Bool, later: TimeAmount = .zero) -> String {
            self.text(router.verdict(on: call, error, isUnknown: isUnknown, now: self.now + later))
        }
        for router in [cluster, single] {
            #expect(verdict(router, self.call(), isUnknown: true) == "retry 8")
            #expect(verdict(router, self.call(retries: 3), isUnknown: true) == "failure EOF")
            #expect(verdict(router, self.call(isRepeatable: false), isUnknown: true) == "failure EOF")
            #expect(verdict(router, self.call(), isUnknown: true, later: .seconds(5)) == "failure EOF")
        }
        #expect(verdict(single, self.call(), isUnknown: false) == "failure EOF")
        #expect(verdict(cluster, self.call(isRepeatable: false), isUnknown: false) == "retry 8")
        #expect(verdict(cluster, self.call(pinned: a), isUnknown: false) == "failure EOF")
        let closed = cluster.verdict(on: self.call(), .closed, isUnknown: true, now: self.now)
        #expect(self.text(closed) == "failure \(RedisError.closed)")
    }

    @Test func theBackoffNeverOverflows() {
        var configuration = RedisConfiguration(.single(a))
        configuration.firstBackoff = .hours(1)
        configuration.mostBackoff = .hours(2)
        #expect(
            [1, 2, 3, 60, .max].map { configuration.backoff(after: $0) } == [.hours(1)]
                + Array(repeating: .hours(2), count: 4))
        configuration.firstBackoff = .zero
        #expect(configuration.backoff(after: 9) == .zero)
    }
}
