import NIOCore

/// Requests that wait for the worker of one slot, until their patience ends.
struct LoyalRequests<Request> {
    typealias Entry = PoolEntry<Request>

    private struct Waiting {
        var entry: Entry
        var end: NIODeadline
    }

    /// By slot, each in the order of its tickets and of the ends of patience; no queue is empty.
    private var slots: [Int: CircularBuffer<Waiting>] = [:]
    private(set) var count = 0
    /// The deadline of the latest timer.
    private(set) var armedFor: NIODeadline?

    var isEmpty: Bool {
        self.count == 0
    }

    /// How many may be given up.
    var ordinaryCount: Int {
        self.slots.values.reduce(0) { $0 + $1.count { !$0.entry.isLast } }
    }

    /// - Parameter end: The end of the request's patience. Those before it do not outlast it: they are served first.
    mutating func append(_ entry: Entry, slot: Int, end: NIODeadline) {
        var queue = self.slots[slot] ?? []
        for index in queue.indices.reversed() {
            guard queue[index].end > end else {
                break
            }
            queue[index].end = end
        }
        queue.append(Waiting(entry: entry, end: end))
        self.slots[slot] = queue
        self.count += 1
    }

    /// The ticket of the next request for a slot.
    func firstTicket(slot: Int) -> UInt64? {
        self.slots[slot]?.first?.entry.ticket
    }

    mutating func popFirst(slot: Int) -> Entry? {
        guard let first = self.slots[slot]?.popFirst() else {
            return nil
        }
        if self.slots[slot]?.isEmpty == true {
            self.slots[slot] = nil
        }
        self.count -= 1
        return first.entry
    }

    /// Removes a request whose patience has ended.
    mutating func popImpatient(now: NIODeadline) -> Entry? {
        let ended = self.slots.filter { ($0.value.first?.end ?? .distantFuture) <= now }
        let first = ended.min { $0.value.first?.entry.ticket ?? 0 < $1.value.first?.entry.ticket ?? 0 }
        return first.flatMap { self.popFirst(slot: $0.key) }
    }

    /// Ends the patience of all requests for some slots.
    mutating func endPatience(ofSlots isMeant: (Int) -> Bool) {
        for (slot, var queue) in self.slots where isMeant(slot) {
            for index in queue.indices {
                queue[index].end = .distantPast
            }
            self.slots[slot] = queue
        }
    }

    /// Removes any request.
    mutating func popAny() -> Entry? {
        self.slots.keys.first.flatMap { self.popFirst(slot: $0) }
    }

    /// Whether the firing timer is the latest one; earlier ones are ignored.
    mutating func timerFired(at deadline: NIODeadline) -> Bool {
        guard deadline == self.armedFor else {
            return false
        }
        self.armedFor = nil
        return true
    }

    /// A deadline for which no timer is armed yet.
    mutating func armTimer() -> NIODeadline? {
        guard let end = self.slots.values.compactMap({ $0.first?.end }).min(), end < self.armedFor ?? .distantFuture
        else {
            return nil
        }
        self.armedFor = end
        return end
    }
}
