import NIOCore

/// A request that waits or is being served.
struct PoolEntry<Request> {
    var request: Request
    /// Whether it is never refused, see ``PoolRequest/isLast``.
    var isLast: Bool
    /// Position in the order of arrival.
    var ticket: UInt64
    /// The time of ``RequestFailure/noFreeWorkers``; a last request waits for as long as the pool lives.
    var deadline = NIODeadline.distantFuture
    /// The time since which it has waited to become its worker's first request.
    var since: NIODeadline
    /// Workers that answered `{"stop":true}`.
    var refusals: Int32 = 0
    /// Workers that ended before they had begun it.
    var losses: Int32 = 0
}

/// Requests that wait for a worker, first come first served, with one timer for their deadlines.
struct RequestQueue<Request> {
    typealias Entry = PoolEntry<Request>

    /// In the order of their tickets, and of their deadlines, so that the first one is always the next to pass.
    private var ordinary = CircularBuffer<Entry>()
    /// In the order of their tickets.
    private var last = CircularBuffer<Entry>()
    private var nextTicket: UInt64 = 0
    /// The deadline of the latest timer.
    private(set) var armedFor: NIODeadline?

    var count: Int {
        self.ordinary.count + self.last.count
    }

    /// How many may be given up.
    var ordinaryCount: Int {
        self.ordinary.count
    }

    var isEmpty: Bool {
        self.ordinary.isEmpty && self.last.isEmpty
    }

    /// Gives a request its place in the order of arrival.
    mutating func entry(_ request: Request, isLast: Bool, now: NIODeadline) -> Entry {
        defer { self.nextTicket &+= 1 }
        return Entry(request: request, isLast: isLast, ticket: self.nextTicket, since: now)
    }

    mutating func append(_ entry: Entry, timeout: TimeAmount) {
        var entry = entry
        if entry.isLast {
            self.last.append(entry)
        } else {
            entry.deadline = entry.since + timeout
            self.ordinary.append(entry)
        }
    }

    /// Puts back a request that a worker already had, before all that arrived after it.
    mutating func insert(_ entry: Entry, timeout: TimeAmount, now: NIODeadline) {
        var entry = entry
        entry.since = now
        self.insert(entry, timeout: timeout)
    }

    /// Adds a request that has waited elsewhere, before all that arrived after it.
    mutating func insert(_ entry: Entry, timeout: TimeAmount) {
        var entry = entry
        guard !entry.isLast else {
            self.last.insert(entry, at: self.last.position(ofTicket: entry.ticket))
            return
        }
        let position = self.ordinary.position(ofTicket: entry.ticket)
        entry.deadline = entry.since + timeout
        if position < self.ordinary.endIndex {
            entry.deadline = min(entry.deadline, self.ordinary[position].deadline)
        }
        if position > self.ordinary.startIndex {
            entry.deadline = max(entry.deadline, self.ordinary[self.ordinary.index(before: position)].deadline)
        }
        self.ordinary.insert(entry, at: position)
    }

    /// The ticket of the next request; the largest number if there is none.
    var firstTicket: UInt64 {
        min(self.ordinary.first?.ticket ?? .max, self.last.first?.ticket ?? .max)
    }

    mutating func popFirst() -> Entry? {
        switch (self.ordinary.first, self.last.first) {
        case (nil, nil): nil
        case (.some, nil): self.ordinary.removeFirst()
        case (nil, .some): self.last.removeFirst()
        case (.some(let ordinary), .some(let last)):
            ordinary.ticket < last.ticket ? self.ordinary.removeFirst() : self.last.removeFirst()
        }
    }

    /// Removes the next request that may be given up.
    mutating func popOrdinary() -> Entry? {
        self.ordinary.popFirst()
    }

    /// Whether the firing timer is the latest one; earlier ones are ignored.
    mutating func timerFired(at deadline: NIODeadline) -> Bool {
        guard deadline == self.armedFor else {
            return false
        }
        self.armedFor = nil
        return true
    }

    /// Removes the next request whose time to wait is over.
    mutating func popExpired(now: NIODeadline) -> Entry? {
        guard let first = self.ordinary.first, first.deadline <= now else {
            return nil
        }
        return self.ordinary.removeFirst()
    }

    /// A deadline for which no timer is armed yet.
    mutating func armTimer() -> NIODeadline? {
        guard let first = self.ordinary.first, first.deadline < self.armedFor ?? .distantFuture else {
            return nil
        }
        self.armedFor = first.deadline
        return first.deadline
    }
}

extension CircularBuffer {
    /// The position of an entry in the order of tickets.
    fileprivate func position<Request>(ofTicket ticket: UInt64) -> Index
    where Element == PoolEntry<Request> {
        var (low, high) = (0, self.count)
        while low < high {
            let middle = (low + high) / 2
            if self[self.index(self.startIndex, offsetBy: middle)].ticket > ticket {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return self.index(self.startIndex, offsetBy: low)
    }

    /// Takes as long as there are elements behind it: mostly none, as of those that have waited for their own worker.
    fileprivate mutating func insert(_ element: Element, at position: Index) {
        var place = self.distance(from: self.startIndex, to: position)
        guard place < self.count else {
            return self.append(element)
        }
        self.append(element)
        let last = self.count - 1
        while place < last {
            self.swapAt(self.index(self.startIndex, offsetBy: place), self.index(before: self.endIndex))
            place += 1
        }
    }
}
