/// One resource: the holders of its locks, and the claims that wait for one in the order in which they came.
///
/// No clock: the table says when a claim is over.
struct LockedResource: Sendable {
    /// A claim that has got what it wants.
    enum Grant: Equatable {
        /// The claim holds a lock.
        case held(LockClaim)
        /// The claim holds the exclusive lock, in place of the shared one that its owner alone held.
        case promoted(LockClaim, from: ClaimNumber)
        /// The owner held a shared lock already: that one lasts at least as long as this claim wants.
        case renewed(LockClaim, holder: ClaimNumber)
    }

    private enum Holding: Equatable {
        /// Next: either.
        case free
        /// Next: free.
        case exclusive(owner: String, ClaimNumber)
        /// Never empty. Next: free; exclusive when the only reader is promoted.
        case shared([String: ClaimNumber])
    }

    private var holding = Holding.free
    private var waiting = WaitingClaims()
    /// Whether a claim may be the promotion of the only reader, since there is only one.
    private var mayPromote = false

    /// Whether nothing would be lost with it.
    var isUnused: Bool {
        self.holding == .free && self.waiting.isEmpty
    }

    var isHeld: Bool {
        self.holding != .free
    }

    /// The claim by which an owner holds a lock.
    func holder(_ owner: String) -> ClaimNumber? {
        switch self.holding {
        case .free: nil
        case .exclusive(owner, let number): number
        case .exclusive: nil
        case .shared(let readers): readers[owner]
        }
    }

    /// Grants a new claim, unless it has to wait.
    ///
    /// It waits for holders, and for claims before it: readers that keep coming would starve a writer. Two claims do not
    /// wait for others, which wait for their owner: a second shared lock, and the promotion of the only reader.
    mutating func request(_ claim: LockClaim) -> Grant? {
        if let grant = self.passingGrant(claim) {
            return grant
        }
        return self.waiting.isEmpty ? self.grant(claim) : nil
    }

    /// Adds a claim that was not granted.
    mutating func wait(_ claim: LockClaim) {
        self.waiting.append(claim)
    }

    /// Ends an owner's lock.
    ///
    /// - Returns: Its claim; `nil` if it holds none.
    mutating func release(_ owner: String) -> ClaimNumber? {
        guard let number = self.holder(owner) else {
            return nil
        }
        var readers = self.takeReaders()
        readers[owner] = nil
        self.setReaders(readers)
        return number
    }

    /// Ends all locks.
    mutating func releaseAll() -> [ClaimNumber] {
        defer { self.holding = .free }
        switch self.holding {
        case .free: return []
        case .exclusive(_, let number): return [number]
        case .shared(let readers): return Array(readers.values)
        }
    }

    /// Removes a claim that waits.
    ///
    /// - Returns: Whether it did.
    mutating func giveUp(_ number: ClaimNumber) -> Bool {
        self.waiting.remove(number)
    }

    /// The next claim that is granted after a change; ask until there is none.
    mutating func next() -> Grant? {
        if let first = self.waiting.first, let grant = self.passingGrant(first) ?? self.grant(first) {
            self.waiting.removeFirst()
            return grant
        }
        // The claims before it wait for the reader that waits for its own promotion.
        guard self.mayPromote, case .shared(let readers) = self.holding, readers.count == 1 else {
            return nil
        }
        self.mayPromote = false
        guard let claim = self.waiting.first(where: { $0.mode == .exclusive && readers[$0.owner] != nil }) else {
            return nil
        }
        _ = self.waiting.remove(claim.number)
        return self.passingGrant(claim)
    }

    /// Grants what needs no other lock to end, because the owner holds a shared one.
    private mutating func passingGrant(_ claim: LockClaim) -> Grant? {
        guard case .shared(let readers) = self.holding, let held = readers[claim.owner] else {
            return nil
        }
        switch claim.mode {
        case .shared:
            return .renewed(claim, holder: held)
        case .exclusive:
            guard readers.count == 1 else { return nil }
            self.holding = .exclusive(owner: claim.owner, claim.number)
            return .promoted(claim, from: held)
        }
    }

    /// Grants what the holders allow.
    private mutating func grant(_ claim: LockClaim) -> Grant? {
        switch claim.mode {
        case .exclusive:
            guard case .free = self.holding else { return nil }
            self.holding = .exclusive(owner: claim.owner, claim.number)
        case .shared:
            if case .exclusive = self.holding { return nil }
            var readers = self.takeReaders()
            readers[claim.owner] = claim.number
            self.setReaders(readers)
        }
        return .held(claim)
    }

    /// Takes the readers out: their dictionary would be copied if it were in two places when it changes.
    private mutating func takeReaders() -> [String: ClaimNumber] {
        guard case .shared(let readers) = self.holding else {
            return [:]
        }
        self.holding = .free
        return readers
    }

    private mutating func setReaders(_ readers: [String: ClaimNumber]) {
        self.mayPromote = readers.count == 1
        self.holding = readers.isEmpty ? .free : .shared(readers)
    }
}
