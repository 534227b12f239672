import TestSupport
import Testing

@testable import Locks

/// Random walks of the table beside a model that is too simple to be wrong: lists that are searched at every tick.
@Suite struct LockModelTests {
    /// One resource.
    private struct Model {
        struct Claim {
            var number: Int
            var owner: String
            var mode: LockMode
            var ttl: Int64
            var end: Int64
        }

        var holders: [Claim] = []
        var waiting: [Claim] = []
        var answers: [String] = []

        var isExclusive: Bool {
            self.holders.contains { $0.mode == .exclusive }
        }

        /// - Returns: Whether it is had.
        mutating func take(_ claim: Claim, isFirst: Bool, at now: Int64) -> Bool {
            var claim = claim
            claim.end = now + claim.ttl
            if !self.isExclusive, let index = self.holders.firstIndex(where: { $0.owner == claim.owner }) {
                if claim.mode == .shared {
                    self.holders[index].end = max(self.holders[index].end, claim.end)
                    return true
                }
                guard self.holders.count == 1 else { return false }
                self.holders = [claim]
                return true
            }
            guard isFirst else { return false }
            guard self.holders.isEmpty || (!self.isExclusive && claim.mode == .shared) else { return false }
            self.holders.append(claim)
            return true
        }

        mutating func settle(at now: Int64) {
            var again = true
            while again {
                again = false
                for (index, claim) in self.waiting.enumerated() {
                    let isPromotion = index > 0 && claim.mode == .exclusive
                    guard index == 0 || isPromotion, self.take(claim, isFirst: index == 0, at: now) else { continue }
                    self.waiting.remove(at: index)
                    self.answers.append("\(claim.number)=true")
                    again = true
                    break
                }
            }
        }

        mutating func tick(_ now: Int64) {
            while true {
                let due = (self.holders + self.waiting).filter { $0.end <= now }.min { $0.number < $1.number }
                guard let due else { return }
                self.holders.removeAll { $0.number == due.number }
                if self.waiting.contains(where: { $0.number == due.number }) {
                    self.answers.append("\(due.number)=false")
                    self.waiting.removeAll { $0.number == due.number }
                }
                self.settle(at: now)
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func theTableDoesWhatTheModelDoes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var table = LockTable(mostBytes: .max)
        var models: [String: Model] = [:]
        var numbers: [ClaimNumber: Int] = [:]
        var lastNumber = 0
        var now: Int64 = 0
        for step in 0..<4000 {
            let resource = ["a", "b"][random.pick(0...1)]
            let owner = "\(random.pick(1...4))"
            var model = models[resource, default: Model()]
            switch random.pick(0...9) {
            case 0...4:
                let mode: LockMode = random.chance(50) ? .exclusive : .shared
                let ttl = Int64(random.pick(1...12))
                let wait = Int64(random.pick(-1...12))
                lastNumber += 1
                let claim = Model.Claim(number: lastNumber, owner: owner, mode: mode, ttl: ttl, end: now + wait)
                let isHad = model.take(claim, isFirst: model.waiting.isEmpty, at: now)
                let outcome = table.lock(resource, mode, owner: owner, ttl: ttl, wait: wait, at: now)
                if isHad || wait <= 0 {
                    #expect(outcome == .answered(isHad), "seed \(seed), step \(step)")
                } else if case .waits(let number) = outcome {
                    numbers[number] = lastNumber
                    model.waiting.append(claim)
                } else {
                    Issue.record("seed \(seed), step \(step): \(outcome)")
                }
            case 5, 6:
                let isHeld = model.holders.contains { $0.owner == owner }
                model.holders.removeAll { $0.owner == owner }
                if isHeld { model.settle(at: now) }
                #expect(table.release(resource, owner: owner, at: now) == isHeld, "seed \(seed), step \(step)")
            case 7:
                let index = model.holders.firstIndex { $0.owner == owner }
                let ttl = Int64(random.pick(1...12))
                if let index { model.holders[index].end = now + ttl }
                let isSet = table.setTTL(resource, owner: owner, ttl: ttl, at: now)
                #expect(isSet == (index != nil), "seed \(seed), step \(step)")
            case 8:
                if random.chance(20) {
                    let isHeld = !model.holders.isEmpty
                    model.holders = []
                    if isHeld { model.settle(at: now) }
                    #expect(table.releaseAll(resource, at: now) == isHeld, "seed \(seed), step \(step)")
                } else if let claim = model.waiting.randomElement(using: &random) {
                    model.waiting.removeAll { $0.number == claim.number }
                    model.settle(at: now)
                    let number = try #require(numbers.first { $0.value == claim.number }?.key)
                    table.abandon(number, at: now)
                }
            default:
                now += 1
            }
            models[resource] = model
            for name in models.keys.sorted() {
                models[name]?.tick(now)
            }
            table.advance(to: now)
            // Of two resources the order of answers does not matter.
            let answers = table.takeAnswers().map { "\(numbers[$0.number] ?? 0)=\($0.isGranted)" }
            let held = models.values.reduce(0) { $0 + $1.holders.count }
            let waiting = models.values.reduce(0) { $0 + $1.waiting.count }
            var holders: [Bool] = []
            for (name, model) in models {
                for owner in ["1", "2", "3", "4"] {
                    let isHeld = model.holders.contains { $0.owner == owner }
                    holders.append(table.isLocked(name, owner: owner, at: now) == isHeld)
                }
            }
            // Millions of expectations would take minutes.
            guard holders.allSatisfy({ $0 }), answers.sorted() == models.values.flatMap(\.answers).sorted(),
                table.counts.held == held, table.counts.waiting == waiting,
                (table.nextMoment == nil) == (held + waiting == 0)
            else {
                Issue.record("seed \(seed), step \(step): \(models), answers \(answers), \(table.counts)")
                return
            }
            for name in models.keys { models[name]?.answers = [] }
        }
        for _ in 0..<100 {
            now += 12
            table.advance(to: now)
        }
        #expect(table.resourceCount == 0)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func theEarliestDeadlineComesFirst(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = DeadlineQueue()
        var model: [ClaimNumber: Int64] = [:]
        for step in 0..<3000 {
            let number = ClaimNumber(value: UInt64(random.pick(0...60)))
            let moment = Int64(random.pick(0...1000))
            switch random.pick(0...3) {
            case 0 where model[number] == nil:
                queue.add(.init(moment: moment, number: number, owner: "", resource: ""))
                model[number] = moment
            case 1:
                queue.move(number, to: moment)
                if model[number] != nil { model[number] = moment }
            case 2:
                #expect(queue.remove(number)?.moment == model.removeValue(forKey: number))
            default:
                let first = model.min { ($0.value, $0.key) < ($1.value, $1.key) }
                let isDue = first.map { $0.value <= moment } ?? false
                #expect(
                    queue.removeFirst(until: moment)?.number == (isDue ? first?.key : nil), "seed \(seed), step \(step)"
                )
                if isDue, let first { model[first.key] = nil }
            }
            #expect(queue.earliest == model.values.min())
            #expect(queue.count == model.count)
            #expect(queue[number]?.moment == model[number])
        }
    }
}
