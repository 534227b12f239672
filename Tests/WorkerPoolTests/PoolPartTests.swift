import NIOCore
import TestSupport
import Testing

@testable import WorkerPool

@Suite struct RequestQueueTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000)
    private let timeout = TimeAmount.nanoseconds(100)

    /// Requests 0…, of which some are last ones.
    private func entries(_ count: Int, last: Set<Int> = [], _ queue: inout RequestQueue<Int>) -> [PoolEntry<Int>] {
        (0..<count).map { number in
            queue.entry(number, isLast: last.contains(number), now: self.now + .nanoseconds(Int64(number)))
        }
    }

    private func drain(_ queue: inout RequestQueue<Int>) -> [Int] {
        var order: [Int] = []
        while let entry = queue.popFirst() {
            order.append(entry.request)
        }
        return order
    }

    @Test func bothKindsAreInOneOrder() {
        var queue = RequestQueue<Int>()
        for entry in self.entries(10, last: [0, 3, 4, 9], &queue) {
            queue.append(entry, timeout: self.timeout)
        }
        #expect(queue.count == 10)
        #expect(self.drain(&queue) == Array(0..<10))
        #expect(queue.isEmpty)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func whatIsPutBackGoesBeforeAllThatCameLater(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var queue = RequestQueue<Int>()
            let entries = self.entries(12, last: Set((0..<12).filter { _ in Bool.random(using: &random) }), &queue)
            let back = Set((0..<12).filter { _ in Bool.random(using: &random) })
            for entry in entries where !back.contains(entry.request) {
                queue.append(entry, timeout: self.timeout)
            }
            for number in back.shuffled(using: &random) {
                let time = self.now + .nanoseconds(.random(in: 12...500, using: &random))
                queue.insert(entries[number], timeout: self.timeout, now: time)
            }
            // Deadlines are in the order of the queue, however late one was put back.
            var deadlines: [NIODeadline] = []
            var order: [Int] = []
            while let entry = queue.popFirst() {
                order.append(entry.request)
                deadlines += entry.isLast ? [] : [entry.deadline]
            }
            #expect(order == Array(0..<12))
            #expect(deadlines == deadlines.sorted())
        }
    }

    @Test func theTimerIsArmedOnceForTheFirstDeadline() {
        var queue = RequestQueue<Int>()
        let entries = self.entries(3, last: [0], &queue)
        queue.append(entries[0], timeout: self.timeout)
        #expect(queue.armTimer() == nil, "a last one waits for as long as the pool lives")
        queue.append(entries[1], timeout: self.timeout)
        let deadline = self.now + .nanoseconds(101)
        #expect(queue.armTimer() == deadline)
        queue.append(entries[2], timeout: self.timeout)
        #expect(queue.armTimer() == nil, "it is armed for an earlier one")
        let fired = [deadline + .nanoseconds(1), deadline, deadline].map { queue.timerFired(at: $0) }
        #expect(fired == [false, true, false], "once, and only what was asked for")
        #expect(queue.popExpired(now: deadline)?.request == 1)
        #expect(queue.popExpired(now: deadline) == nil)
        #expect(queue.armTimer() == deadline + .nanoseconds(1))
    }

    @Test func ordinaryOnesAreGivenUpAlone() {
        var queue = RequestQueue<Int>()
        for entry in self.entries(4, last: [0, 2], &queue) {
            queue.append(entry, timeout: self.timeout)
        }
        let ordinary = (0..<3).map { _ in queue.popOrdinary()?.request }
        #expect(ordinary == [1, 3, nil])
        #expect(self.drain(&queue) == [0, 2])
    }
}

@Suite struct RosterTests {
    private let now = NIODeadline.uptimeNanoseconds(1)

    /// Workers with so many requests each.
    private func roster(_ leases: [Int], pipelines: Bool = true) -> Roster<Int, Int> {
        var roster = Roster<Int, Int>(loopCount: 1)
        var queue = RequestQueue<Int>()
        for (number, leases) in leases.enumerated() {
            let place = roster.vacantPlace()
            _ = roster.occupy(place, as: .counted)
            var worker = Roster<Int, Int>.Worker(
                handle: number,
                loopIndex: 0,
                readySince: self.now,
                jobLimit: 0,
                epoch: 0,
                changedAt: self.now
            )
            worker.pipelines = pipelines
            roster.becameReady(place, worker)
            for request in 0..<leases {
                _ = roster.lease(place, to: queue.entry(request, isLast: false, now: self.now), now: self.now)
            }
        }
        return roster
    }

    @Test func theOneWithTheFewestRequestsHasRoom() {
        var roster = self.roster([3, 2, 1, 2])
        #expect(roster.findRoom(depth: 4) == 2)
        #expect(roster.leases == 8)
    }

    @Test func onesWithAsManyTakeTurns() {
        var roster = self.roster([1, 1, 1])
        let rooms = (0..<6).map { _ in roster.findRoom(depth: 2) }
        #expect(rooms == [0, 1, 2, 0, 1, 2])
    }

    @Test func eightAreLookedAt() {
        var roster = self.roster(Array(repeating: 2, count: 8) + [1] + Array(repeating: 2, count: 11))
        #expect(roster.findRoom(depth: 3) == 0, "the better one is the ninth")
        #expect(roster.findRoom(depth: 3) == 8)
    }

    @Test func noneIsFilledBeyondTheDepth() {
        var roster = self.roster([3, 3])
        #expect(roster.findRoom(depth: 3) == nil)
        #expect(roster.findRoom(depth: 4) != nil)
        var none = Roster<Int, Int>(loopCount: 1)
        #expect(none.findRoom(depth: 64) == nil)
    }

    @Test func aDepthOfOneIsNoneBehindAnother() {
        var roster = self.roster([0])
        #expect(roster.findRoom(depth: 1) == nil)
    }

    @Test func thoseThatDoNotPipelineOrLeaveAreNotAsked() {
        var single = self.roster([1, 1], pipelines: false)
        #expect(single.findRoom(depth: 8) == nil)
        var roster = self.roster([1, 1, 1, 1])
        let fates: [Roster<Int, Int>.Fate] = [.retiring, .killed(.exit), .replaced(.ttl), .retiringInTime]
        for (place, fate) in fates.enumerated() {
            _ = roster.decide(roster.id(ofPlace: place)) { _ in fate }
        }
        #expect(roster.findRoom(depth: 8) == 2)
        #expect(roster.findRoom(depth: 8) == 2)
    }

    @Test func aSettledRequestIsNotCountedAndItsPlaceInTheOrderStays() {
        var roster = self.roster([2])
        roster.settleFirst(0)
        #expect(roster.leases == 1)
        guard case .over = roster.endLease(roster.id(ofPlace: 0)) else {
            Issue.record("it is open")
            return
        }
        #expect(roster.leases == 1)
        guard case .open = roster.endLease(roster.id(ofPlace: 0)) else {
            Issue.record("it is over")
            return
        }
        #expect(roster.leases == 0)
    }
}

@Suite struct PoolActionsTests {
    @Test(arguments: 0...6)
    func actionsAreDoneInTheirOrder(count: Int) {
        var actions = PoolActions<Int, Int>()
        for number in 0..<count {
            actions.append(.stop(number))
        }
        var order: [Int] = []
        for case .stop(let number) in actions.all {
            order.append(number)
        }
        #expect(order == Array(0..<count))
    }

    /// The first request to serve and the first that is finished stand apart: they must not overtake what came before.
    @Test func whatStandsApartKeepsItsPlace() {
        var actions = PoolActions<Int, Int>()
        actions.append(.stop(0))
        actions.serve(1, with: 7)
        actions.finish(2, answer: 0)
        actions.finish(3, answer: 1)
        let order = actions.all.map { action in
            switch action {
            case .stop(let worker): "stop \(worker)"
            case .serve(let worker, let request): "serve \(request) with \(worker)"
            case .finish(let request, let answer): "finish \(request) with answer \(answer)"
            default: "?"
            }
        }
        #expect(order == ["stop 0", "serve 1 with 7", "finish 2 with answer 0", "finish 3 with answer 1"])
    }

    @Test func moreMayComeBehindTheFirst() {
        var actions = PoolActions<Int, Int>(.stop(0))
        actions.append(.stop(1))
        actions.append(.stop(2))
        #expect(actions.all.count == 3)
    }
}
