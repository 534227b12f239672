/// The moments at which claims are over, the earliest first. Each can be moved and removed, in logarithmic time.
struct DeadlineQueue: Sendable {
    struct Entry: Sendable {
        /// In microseconds.
        var moment: Int64
        var number: ClaimNumber
        var owner: String
        var resource: String
    }

    /// A binary heap.
    private var heap: [Entry] = []
    private var places: [ClaimNumber: Int] = [:]

    var count: Int {
        self.heap.count
    }

    var earliest: Int64? {
        self.heap.first?.moment
    }

    subscript(number: ClaimNumber) -> Entry? {
        self.places[number].map { self.heap[$0] }
    }

    mutating func add(_ entry: Entry) {
        self.heap.append(entry)
        self.rise(self.heap.count - 1)
    }

    /// Has no effect on a claim without an entry.
    mutating func move(_ number: ClaimNumber, to moment: Int64) {
        guard let place = self.places[number] else {
            return
        }
        self.heap[place].moment = moment
        self.restore(place)
    }

    @discardableResult
    mutating func remove(_ number: ClaimNumber) -> Entry? {
        guard let place = self.places.removeValue(forKey: number) else {
            return nil
        }
        let last = self.heap.removeLast()
        guard place < self.heap.count else {
            return last
        }
        let removed = self.heap[place]
        self.heap[place] = last
        self.restore(place)
        return removed
    }

    /// The next claim whose moment has come, without it.
    mutating func removeFirst(until moment: Int64) -> Entry? {
        guard let first = self.heap.first, first.moment <= moment else {
            return nil
        }
        return self.remove(first.number)
    }

    private mutating func restore(_ place: Int) {
        if place > 0, self.heap[place].precedes(self.heap[(place - 1) / 2]) {
            self.rise(place)
        } else {
            self.sink(place)
        }
    }

    private mutating func rise(_ start: Int) {
        var place = start
        let entry = self.heap[place]
        while place > 0, entry.precedes(self.heap[(place - 1) / 2]) {
            self.put(self.heap[(place - 1) / 2], at: place)
            place = (place - 1) / 2
        }
        self.put(entry, at: place)
    }

    private mutating func sink(_ start: Int) {
        var place = start
        let entry = self.heap[place]
        while true {
            var child = 2 * place + 1
            if child + 1 < self.heap.count, self.heap[child + 1].precedes(self.heap[child]) {
                child += 1
            }
            guard child < self.heap.count, self.heap[child].precedes(entry) else {
                break
            }
            self.put(self.heap[child], at: place)
            place = child
        }
        self.put(entry, at: place)
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        self.heap[place] = entry
        self.places[entry.number] = place
    }
}

extension DeadlineQueue.Entry {
    /// Of two at one moment the older comes first: a lock that ends just as another's wait does is had.
    fileprivate func precedes(_ other: Self) -> Bool {
        (self.moment, self.number) < (other.moment, other.number)
    }
}
