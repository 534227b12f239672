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
    /// - Returns: A deadline for which no timer is armed yet.
    mutating func append(_ entry: Entry, slot: Int, end: NIODeadline) -> NIODeadline? {
        Self.append(Waiting(entry: entry, end: end), to: &self.slots[slot, default: CircularBuffer()])
        self.count += 1
        return self.armTimer(for: end)
    }

    /// Changes the queue in place.
    private static func append(_ waiting: Waiting, to queue: inout CircularBuffer<Waiting>) {
        for index in queue.indices.reversed() {
            guard queue[index].end > waiting.end else {
                break
            }
            queue[index].end = waiting.end
        }
        queue.append(waiting)
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

    /// Removes all requests whose patience has ended by then.
    ///
    /// - Returns: In the order of their tickets.
    mutating func takeImpatient(by end: NIODeadline) -> [Entry] {
        var entries: [Entry] = []
        for slot in Array(self.slots.keys) {
            while let first = self.slots[slot]?.first, first.end <= end, let entry = self.popFirst(slot: slot) {
                entries.append(entry)
            }
        }
        entries.sort { $0.ticket < $1.ticket }
        return entries
    }

    /// Ends the patience of all requests for some slots.
    ///
    /// - Returns: A deadline for which no timer is armed yet.
    mutating func endPatience(ofSlots isMeant: (Int) -> Bool) -> NIODeadline? {
        for (slot, var queue) in self.slots where isMeant(slot) {
            for index in queue.indices {
                queue[index].end = .distantPast
            }
            self.slots[slot] = queue
        }
        return self.armTimer()
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
        self.slots.values.lazy.compactMap { $0.first?.end }.min().flatMap { self.armTimer(for: $0) }
    }

    private mutating func armTimer(for end: NIODeadline) -> NIODeadline? {
        guard end < self.armedFor ?? .distantFuture else {
            return nil
        }
        self.armedFor = end
        return end
    }
}
