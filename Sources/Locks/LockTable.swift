/// All locks: decides who has which, and when claims are over. No clock, no replies.
///
/// Moments and durations are in microseconds; moments count from any fixed one and never go back.
struct LockTable: Sendable {
    /// The answer to a request for a lock.
    enum Outcome: Equatable {
        case answered(Bool)
        /// The answer comes later, by ``takeAnswers()``.
        case waits(ClaimNumber)
        /// There are too many claims.
        case refused
    }

    /// The late answer to a claim that has waited.
    struct Answer: Equatable {
        var number: ClaimNumber
        var isGranted: Bool
    }

    /// The longest lock that nobody asked for: what `ttl` 0 stands for.
    static let defaultTTL: Int64 = 365 * 24 * 3600 * 1_000_000
    /// The memory of a claim beyond its texts, in bytes.
    static let costOfClaim = 256

    private let mostBytes: Int
    private var resources: [String: LockedResource] = [:]
    /// Of every claim: of one that waits the end of its wait, of a holder the end of its lock.
    private var deadlines = DeadlineQueue()
    private var bytes = 0
    private var lastNumber: UInt64 = 0
    private var answers: [Answer] = []
    private(set) var counts = LockCounts()

    /// - Parameter mostBytes: The most memory of all claims, roughly.
    init(mostBytes: Int) {
        self.mostBytes = mostBytes
    }

    /// The moment at which ``advance(to:)`` must be called.
    var nextMoment: Int64? {
        self.deadlines.earliest
    }

    /// The number of resources that are locked.
    var resourceCount: Int {
        self.resources.count
    }

    /// The answers to claims that have waited, since the last time.
    mutating func takeAnswers() -> [Answer] {
        defer { self.answers = [] }
        return self.answers
    }

    /// Asks for a lock.
    ///
    /// - Parameters:
    ///   - ttl: 0 stands for a year; a negative one is over at once.
    ///   - wait: 0 or less: not at all.
    mutating func lock(
        _ resource: String, _ mode: LockMode, owner: String, ttl: Int64, wait: Int64, at now: Int64
    ) -> Outcome {
        self.advance(to: now)
        let cost = Self.cost(resource, owner)
        guard cost <= self.mostBytes - self.bytes else {
            self.counts.refused += 1
            return .refused
        }
        self.lastNumber += 1
        let claim = LockClaim(
            number: ClaimNumber(value: self.lastNumber), owner: owner, mode: mode, ttl: Self.ttl(ttl))
        let grant = self.resources[resource, default: LockedResource()].request(claim)
        guard grant != nil || wait > 0 else {
            return .answered(false)
        }
        self.bytes += cost
        self.deadlines.add(.init(moment: now.adding(wait), number: claim.number, owner: owner, resource: resource))
        if let grant {
            self.take(grant, at: now)
            return .answered(true)
        }
        self.resources[resource]?.wait(claim)
        self.counts.waiting += 1
        return .waits(claim.number)
    }

    /// - Returns: Whether the owner held a lock.
    mutating func release(_ resource: String, owner: String, at now: Int64) -> Bool {
        self.advance(to: now)
        guard let number = self.resources[resource]?.release(owner) else {
            return false
        }
        self.forget(holder: number)
        self.settle(resource, at: now)
        return true
    }

    /// Releases the locks of all owners.
    ///
    /// - Returns: Whether there was one.
    mutating func releaseAll(_ resource: String, at now: Int64) -> Bool {
        self.advance(to: now)
        guard let numbers = self.resources[resource]?.releaseAll(), !numbers.isEmpty else {
            return false
        }
        for number in numbers {
            self.forget(holder: number)
        }
        self.settle(resource, at: now)
        return true
    }

    /// - Parameter owner: `nil` for any.
    mutating func isLocked(_ resource: String, owner: String?, at now: Int64) -> Bool {
        self.advance(to: now)
        guard let resource = self.resources[resource] else {
            return false
        }
        return owner.map { resource.holder($0) != nil } ?? resource.isHeld
    }

    /// Gives a lock a new duration from now on.
    ///
    /// - Returns: Whether the owner holds a lock.
    mutating func setTTL(_ resource: String, owner: String, ttl: Int64, at now: Int64) -> Bool {
        self.advance(to: now)
        guard let number = self.resources[resource]?.holder(owner) else {
            return false
        }
        self.deadlines.move(number, to: now.adding(Self.ttl(ttl)))
        return true
    }

    /// Nobody waits for the answer to a claim any more. Has no effect on a claim that was answered.
    mutating func abandon(_ number: ClaimNumber, at now: Int64) {
        self.advance(to: now)
        guard let resource = self.deadlines[number]?.resource, self.resources[resource]?.giveUp(number) == true else {
            return
        }
        self.forget(waiter: number)
        // A writer that leaves may have kept readers waiting.
        self.settle(resource, at: now)
    }

    /// Ends what is over, in the order of the moments.
    mutating func advance(to now: Int64) {
        while let entry = self.deadlines.removeFirst(until: now) {
            self.bytes -= Self.cost(entry.resource, entry.owner)
            if self.resources[entry.resource]?.giveUp(entry.number) == true {
                self.counts.waiting -= 1
                self.counts.timedOut += 1
                self.answers.append(Answer(number: entry.number, isGranted: false))
            } else {
                self.counts.held -= 1
                self.counts.expired += 1
                _ = self.resources[entry.resource]?.release(entry.owner)
            }
            self.settle(entry.resource, at: now)
        }
    }
}

extension LockTable {
    /// Grants what a change has made possible.
    private mutating func settle(_ resource: String, at now: Int64) {
        while let grant = self.resources[resource]?.next() {
            self.counts.waiting -= 1
            self.answers.append(Answer(number: grant.claim.number, isGranted: true))
            self.take(grant, at: now)
        }
        if self.resources[resource]?.isUnused == true {
            self.resources[resource] = nil
        }
    }

    /// Notes until when a granted claim holds its lock.
    private mutating func take(_ grant: LockedResource.Grant, at now: Int64) {
        let end = now.adding(grant.claim.ttl)
        switch grant {
        case .held(let claim):
            self.counts.held += 1
            self.deadlines.move(claim.number, to: end)
        case .promoted(let claim, let reader):
            self.counts.held += 1
            self.deadlines.move(claim.number, to: end)
            self.forget(holder: reader)
        case .renewed(let claim, let holder):
            self.removeDeadline(claim.number)
            if let entry = self.deadlines[holder], entry.moment < end {
                self.deadlines.move(holder, to: end)
            }
        }
    }

    private mutating func forget(holder number: ClaimNumber) {
        self.counts.held -= 1
        self.removeDeadline(number)
    }

    private mutating func forget(waiter number: ClaimNumber) {
        self.counts.waiting -= 1
        self.removeDeadline(number)
    }

    private mutating func removeDeadline(_ number: ClaimNumber) {
        if let entry = self.deadlines.remove(number) {
            self.bytes -= Self.cost(entry.resource, entry.owner)
        }
    }

    private static func cost(_ resource: String, _ owner: String) -> Int {
        Self.costOfClaim + resource.utf8.count + owner.utf8.count
    }

    private static func ttl(_ ttl: Int64) -> Int64 {
        ttl == 0 ? Self.defaultTTL : max(1, ttl)
    }
}

extension LockedResource.Grant {
    fileprivate var claim: LockClaim {
        switch self {
        case .held(let claim), .promoted(let claim, _), .renewed(let claim, _): claim
        }
    }
}

extension Int64 {
    /// The moment after a duration; without overflow.
    fileprivate func adding(_ duration: Int64) -> Int64 {
        let (sum, overflows) = self.addingReportingOverflow(Swift.max(0, duration))
        return overflows ? .max : sum
    }
}
