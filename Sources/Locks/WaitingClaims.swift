import NIOCore

/// Claims in the order in which they came. Any of them may leave, in logarithmic time: thousands may leave at once.
struct WaitingClaims: Sendable {
    private struct Place {
        let claim: LockClaim
        var hasLeft = false
    }

    /// The first one has not left.
    private var places = CircularBuffer<Place>()
    private var leftCount = 0

    var isEmpty: Bool {
        self.places.isEmpty
    }

    var first: LockClaim? {
        self.places.first?.claim
    }

    /// - Parameter claim: Its number is higher than those before.
    mutating func append(_ claim: LockClaim) {
        self.places.append(Place(claim: claim))
    }

    mutating func removeFirst() {
        self.places.removeFirst()
        self.tidy()
    }

    /// - Returns: Whether it was there.
    mutating func remove(_ number: ClaimNumber) -> Bool {
        guard let index = self.index(of: number), !self.places[index].hasLeft else {
            return false
        }
        self.places[index].hasLeft = true
        self.leftCount += 1
        self.tidy()
        return true
    }

    func first(where matches: (LockClaim) -> Bool) -> LockClaim? {
        self.places.first { !$0.hasLeft && matches($0.claim) }?.claim
    }

    /// Numbers ascend.
    private func index(of number: ClaimNumber) -> CircularBuffer<Place>.Index? {
        var low = 0
        var high = self.places.count
        while low < high {
            let middle = (low + high) / 2
            if self.places[offset: middle].claim.number < number {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < self.places.count, self.places[offset: low].claim.number == number else {
            return nil
        }
        return self.places.index(self.places.startIndex, offsetBy: low)
    }

    private mutating func tidy() {
        while self.places.first?.hasLeft == true {
            self.places.removeFirst()
            self.leftCount -= 1
        }
        if self.leftCount > self.places.count / 2 {
            self.places = CircularBuffer(self.places.lazy.filter { !$0.hasLeft })
            self.leftCount = 0
        }
    }
}
