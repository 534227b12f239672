import NIOCore
import TestSupport
import Testing

@testable import WorkerPool

/// Requests that prefer a worker.
@Suite struct PoolAffinityTests {
    private static let second = TimeAmount.seconds(1)

    /// The worker that a key goes to.
    private func preferred(_ bench: PoolBench, _ key: UInt64) -> WorkerID? {
        bench.machine.roster.preferredPlace(key).map { bench.machine.roster.id(ofPlace: $0) }
    }

    private func slot(_ bench: PoolBench, _ id: WorkerID) -> Int {
        bench.machine.roster.places[id.place].slot
    }

    @Test func anIdleWorkerIsPreferredAndAnotherOneIsBetterThanToWait() throws {
        let (bench, _) = PoolBench.running(.init(numWorkers: 4), loops: 2)
        let own = try #require(self.preferred(bench, 7))
        for request in 0..<20 {
            #expect(bench.submit(request, key: 7).leased == own)
            bench.answered(own)
        }
        bench.submit(20, key: 7)
        let other = try #require(bench.submit(21, key: 7).leased)
        #expect(other != own)
        #expect(bench.submit(22).leased != nil && bench.submit(23).leased != nil)
        #expect(bench.submit(24, key: 7).waits)
        #expect(bench.answers(other, 1).serves.map(\.request) == [24])
    }

    @Test func keysAreSpreadAndOnlyThoseOfALostSlotMove() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 8))
        let keys = UInt64(0)..<4000
        let before = keys.map { self.preferred(bench, $0) }
        for worker in workers {
            let share = before.count { $0 == worker }
            #expect((350...650).contains(share), "\(worker) has \(share)")
        }
        let gone = workers[3]
        let start = try #require(bench.failed(gone).start)
        let meanwhile = keys.map { self.preferred(bench, $0) }
        #expect(zip(before, meanwhile).allSatisfy { $0 == gone ? $1 != gone : $0 == $1 })
        // Its successor has its slot, and so its keys.
        bench.bringUp(start.id)
        let after = keys.map { self.preferred(bench, $0) }
        #expect(zip(before, after).allSatisfy { $0 == gone ? $1 == start.id : $0 == $1 })
    }

    @Test func aSuccessorHasTheSlotOfItsWorker() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        #expect(workers.map { self.slot(bench, $0) } == [0, 1, 2])
        let outcome = bench.resets()
        let successor = try #require(outcome.start.first?.id)
        #expect(successor.place == 3 && self.slot(bench, successor) < 3)
        var starts = outcome.start.map(\.id)
        while let id = starts.popLast() {
            _ = bench.launch(id)
            let welcome = PoolOutcome(bench.machine.ready(id, id, loopIndex: 0, now: bench.now))
            starts += welcome.start.map(\.id)
            for leaver in welcome.stop {
                starts += bench.reap(leaver).start.map(\.id)
            }
        }
        let slots = bench.machine.roster.places.filter { $0.worker != nil }.map(\.slot)
        #expect(slots.sorted() == [0, 1, 2])
    }

    @Test func aPatientRequestWaitsForItsWorker() throws {
        let (bench, _) = PoolBench.running(.init(numWorkers: 2))
        let own = try #require(self.preferred(bench, 7))
        bench.submit(0, key: 7, patience: Self.second)
        let outcome = bench.submit(1, key: 7, patience: Self.second)
        #expect(outcome.waits && outcome.patience == [bench.now + Self.second])
        #expect(bench.submit(2, key: 7, patience: Self.second).patience == [], "one timer for all")
        #expect(bench.machine.waiting == 2)
        #expect(bench.answers(own, 1).serves.map(\.request) == [1])
        #expect(bench.answers(own, 1).serves.map(\.request) == [2])
        #expect(bench.machine.waiting == 0)
    }

    @Test func patienceEnds() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        let own = try #require(self.preferred(bench, 7))
        let other = try #require(workers.first { $0 != own })
        bench.submit(0, key: 7, patience: Self.second)
        bench.submit(1, key: 7, patience: Self.second)
        bench.submit(2, key: 7, patience: Self.second, isClose: true)
        bench.now = bench.now + Self.second
        let outcome = bench.endPatience()
        #expect(outcome.serves.map(\.id) == [other] && outcome.serves.map(\.request) == [1])
        #expect(bench.machine.loyal.isEmpty && bench.machine.waiting == 1)
        #expect(bench.answers(own, 1).serves.map(\.request) == [2])
    }

    /// Then any worker may have it, for which time must be left.
    @Test func patienceIsAtMostHalfOfTheTimeout() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2, allocateTimeout: .seconds(8)))
        let own = try #require(self.preferred(bench, 7))
        let other = try #require(workers.first { $0 != own })
        bench.submit(0, key: 7, patience: .seconds(60))
        #expect(bench.submit(1, key: 7, patience: .seconds(60)).patience == [bench.now + .seconds(4)])
        #expect(bench.submit(2).leased == other)
        bench.now = bench.now + .seconds(4)
        let outcome = bench.endPatience()
        #expect(outcome.serves.isEmpty && outcome.refused.isEmpty && bench.machine.waiting == 1)
        #expect(bench.answers(other, 1).serves.map(\.request) == [1])
    }

    @Test func whoseWorkerIsLostWaitsNoLonger() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 3))
        let own = try #require(self.preferred(bench, 7))
        bench.submit(0, key: 7, patience: Self.second)
        bench.submit(1, key: 7, patience: Self.second)
        bench.submit(2, key: 7, patience: Self.second)
        let outcome = bench.fails(own, begun: 1)
        #expect(outcome.refused == [0] && outcome.patience == [.distantPast])
        let others = bench.endPatience()
        #expect(others.serves.map(\.request) == [1, 2] && bench.machine.waiting == 0)
        #expect(Set(others.serves.map(\.id)) == Set(workers).subtracting([own]))
    }

    @Test func whoseWorkerIsTakenAwayWaitsNoLonger() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2))
        let own = try #require(self.preferred(bench, 7))
        let other = try #require(workers.first { $0 != own })
        bench.submit(0, key: 7, patience: Self.second)
        bench.submit(1)
        bench.submit(2, key: 7, patience: Self.second)
        var actions = PoolBench.Machine.Actions()
        // Both are busy: the one that is not spared leaves.
        try bench.machine.removeWorker(sparing: { $0 == other }, &actions)
        #expect(self.preferred(bench, 7) == other)
        #expect(PoolOutcome(actions).patience == [.distantPast])
        #expect(bench.endPatience().serves.isEmpty && bench.machine.loyal.isEmpty)
        #expect(bench.answers(own, 1).stop == [own])
        #expect(bench.answers(other, 1).serves.map(\.request) == [2])
    }

    @Test func aReplacedWorkersRequestsAreForItsSuccessor() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2, maxJobs: 1))
        let own = try #require(self.preferred(bench, 7))
        bench.submit(0, key: 7, patience: Self.second)
        bench.submit(1, key: 7, patience: Self.second)
        bench.submit(2, key: 7, patience: Self.second)
        // It is at its limit, and goes on until its successor is there.
        let outcome = bench.answers(own, 1)
        #expect(outcome.serves.map(\.request) == [1] && outcome.patience.isEmpty)
        let successor = try #require(outcome.start.first?.id)
        _ = bench.launch(successor)
        let welcome = PoolOutcome(bench.machine.ready(successor, successor, loopIndex: 0, now: bench.now))
        #expect(welcome.serves.map(\.request) == [2] && welcome.serves.map(\.id) == [successor])
        #expect(self.slot(bench, successor) == self.slot(bench, own) && self.preferred(bench, 7) == successor)
        #expect(bench.answers(own, 1).stop == [own])
        // It dies while it has the slot alone.
        let start = try #require(bench.failed(successor).start)
        #expect(self.slot(bench, start.id) == self.slot(bench, own))
        #expect(workers.contains { self.slot(bench, $0) != self.slot(bench, own) })
    }

    @Test func aSuccessorThatDiesHasTheSlotThoughItsWorkerHasNotLeft() throws {
        let (bench, workers) = PoolBench.running(.init(numWorkers: 2, maxJobs: 1))
        let own = try #require(self.preferred(bench, 7))
        bench.submit(0, key: 7, patience: Self.second)
        bench.submit(1, key: 7, patience: Self.second)
        let successor = try #require(bench.answers(own, 1).start.first?.id)
        bench.bringUp(successor)
        let start = try #require(bench.failed(successor).start)
        #expect(bench.machine.roster.isBusy(own) && self.slot(bench, start.id) == self.slot(bench, own))
        #expect(workers.count == 2)
    }

    @Test func whatAFreeWorkerCouldHaveIsNotPutBehindAnother() throws {
        var configuration = PoolConfiguration(numWorkers: 2)
        configuration.pipeline = .fixed(4)
        let (bench, workers) = PoolBench.running(configuration)
        for worker in workers {
            bench.pipelines(worker)
        }
        let own = try #require(self.preferred(bench, 7))
        bench.submit(0, key: 7, patience: Self.second)
        #expect(bench.submit(1, key: 7, patience: Self.second).waits)
        #expect(bench.submit(2, key: 7, patience: Self.second).waits)
        #expect(bench.answers(own, 1).serves.map(\.request) == [1])
        #expect(bench.submit(3).leased != own)
        // Now none is free.
        #expect(bench.answers(own, 1).serves.map(\.request) == [2])
        #expect(bench.submit(4, key: 7, patience: Self.second).leased == own)
        #expect(bench.submit(5, key: 7).leased == own)
    }

    @Test func aPoolThatKeepsNoWorkersHasNoneToPrefer() throws {
        let debug = PoolConfiguration.Allocator(maxWorkers: 4, spawnRate: 4, idleTimeout: .hours(1))
        var configuration = PoolConfiguration(numWorkers: 0, maxJobs: 1)
        configuration.allocator = debug
        let bench = PoolBench(configuration)
        _ = bench.start()
        let outcome = bench.submit(0, key: 7, patience: Self.second)
        let start = try #require(outcome.start.first)
        #expect(outcome.patience.isEmpty && bench.machine.loyal.isEmpty)
        #expect(bench.bringUp(start.id).action.served == 0)
    }

    @Test func allWaitInTheOrderOfTheirArrival() throws {
        let (bench, _) = PoolBench.running(.init(numWorkers: 1))
        let own = try #require(self.preferred(bench, 7))
        for request in 0..<6 {
            if request.isMultiple(of: 2) {
                bench.submit(request)
            } else {
                bench.submit(request, key: 7, patience: Self.second)
            }
        }
        for request in 1..<6 {
            #expect(bench.answers(own, 1).serves.map(\.request) == [request])
        }
    }

    @Test func aPoolThatEndsWaitsForNoWorker() {
        let (bench, _) = PoolBench.running(.init(numWorkers: 2))
        bench.submit(0, key: 7, patience: Self.second)
        bench.submit(1, key: 7, patience: Self.second)
        bench.submit(2, key: 7, patience: Self.second, isClose: true)
        #expect(bench.machine.ordinaryRequests == 2)
        let outcome = PoolOutcome(bench.machine.cutOffRequests(now: bench.now))
        #expect(outcome.refused == [1] && outcome.serves.map(\.request) == [2])
        #expect(bench.machine.loyal.isEmpty && bench.machine.waiting == 0)
    }

    @Test func aPoolThatClosesRefusesThoseThatWait() {
        let (bench, _) = PoolBench.running(.init(numWorkers: 2))
        bench.submit(0, key: 7, patience: Self.second)
        bench.submit(1, key: 7, patience: Self.second)
        #expect(PoolOutcome(bench.machine.close()).refused == [1])
        #expect(bench.submit(2, key: 7, patience: Self.second).failure == .poolClosing)
    }

    /// Random events; each request is served once, by its own worker unless its patience is over or a worker was lost.
    @Test(arguments: [UInt64(1), 2, 3, .random(in: 1000...(.max))])
    func aWalk(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            var configuration = PoolConfiguration(numWorkers: random.pick(1...5), allocateTimeout: .hours(100))
            configuration.pipeline = .fixed(random.pick(1...3))
            // Requests are lost as often as it comes.
            configuration.maxAttempts = 10_000
            let (bench, all) = PoolBench.running(configuration, loops: random.pick(1...3))
            var workers = all
            for worker in workers where random.chance(50) {
                bench.pipelines(worker)
            }
            /// Requests that are not answered, with the worker that each waits for, and until when.
            var open: [Int: (own: WorkerID?, end: NIODeadline)] = [:]
            var leases: [WorkerID: [Int]] = [:]
            func note(_ outcome: PoolOutcome) {
                for (id, request) in outcome.serves {
                    let wish = open[request]
                    #expect(wish != nil, "seed \(seed): \(request) is served though it is over")
                    let isOwn = wish?.own == nil || wish?.own == id
                    #expect(isOwn || wish.map { bench.now >= $0.end } == true, "seed \(seed): \(request) is at \(id)")
                    leases[id, default: []].append(request)
                }
                #expect(outcome.failed.isEmpty, "seed \(seed)")
            }
            for number in 0..<1000 {
                switch random.pick(0...99) {
                case 0..<25:
                    open[number] = (nil, .distantPast)
                    note(bench.submit(number))
                case 25..<55:
                    let key = UInt64(random.pick(0...9))
                    let patience = TimeAmount.milliseconds(Int64(random.pick(1...3000)))
                    let own = self.preferred(bench, key)
                    // Those before it do not outlast it.
                    for (request, wish) in open where wish.own == own {
                        open[request] = (own, min(wish.end, bench.now + patience))
                    }
                    open[number] = (own, bench.now + patience)
                    note(bench.submit(number, key: key, patience: patience))
                case 55..<92:
                    let busy = workers.filter { leases[$0]?.isEmpty == false }
                    guard let id = busy.randomElement(using: &random), let first = leases[id]?.removeFirst() else {
                        continue
                    }
                    open[first] = nil
                    note(bench.answers(id, 1))
                case 92..<95:
                    let id = workers[random.pick(0...workers.count - 1)]
                    // It has begun none: all go to others.
                    for request in leases.removeValue(forKey: id) ?? [] {
                        open[request] = (nil, .distantPast)
                    }
                    for (request, wish) in open where wish.own == id {
                        open[request] = (nil, wish.end)
                    }
                    let outcome = bench.fails(id, begun: 0)
                    workers.removeAll { $0 == id }
                    note(outcome)
                    bench.now = bench.now + .seconds(10)
                    bench.reap(id)
                    for start in outcome.start {
                        _ = bench.launch(start.id)
                        workers.append(start.id)
                        note(PoolOutcome(bench.machine.ready(start.id, start.id, loopIndex: 0, now: bench.now)))
                    }
                default:
                    bench.now = bench.now + .milliseconds(Int64(random.pick(0...2000)))
                }
                while let end = bench.machine.loyal.armedFor, end <= bench.now {
                    note(bench.endPatience())
                }
                let waiting = Set(open.keys).subtracting(leases.values.joined())
                #expect(bench.machine.waiting == waiting.count, "seed \(seed)")
                let isIdle = bench.machine.roster.free.contains { !$0.isEmpty }
                let isPatient = waiting.allSatisfy { open[$0].map { $0.end > bench.now } ?? false }
                #expect(!isIdle || isPatient, "seed \(seed): requests wait while a worker is free")
            }
            while let (id, requests) = leases.first(where: { !$0.value.isEmpty }) {
                open[requests[0]] = nil
                leases[id]?.removeFirst()
                note(bench.answers(id, 1))
                bench.now = bench.now + .seconds(4)
                note(bench.endPatience())
            }
            #expect(open.isEmpty && bench.machine.waiting == 0, "seed \(seed): \(open.count) were never served")
        }
    }
}
