/// What a ``TimerWheel`` holds. In one wheel at most.
class TimerEntry {
    /// The tick at which it is due, if it is scheduled.
    fileprivate(set) final var due: UInt64 = 0
    fileprivate final var next: TimerEntry?
    fileprivate unowned(unsafe) final var previous: TimerEntry?
    fileprivate final var isScheduled = false
}

/// A hashed timing wheel (Varghese and Lauck, 1987): to schedule and to cancel takes constant time, and no allocation.
///
/// The entries of a slot are linked through each other. One that is due in a later turn of the wheel is passed over. No
/// clock: ticks are counted by the caller, from any origin.
struct TimerWheel {
    private static let slotCount = 256

    private var slots: [TimerEntry?] = []
    private(set) var now: UInt64
    private(set) var count = 0

    init(now: UInt64 = 0) {
        self.now = now
    }

    /// - Parameters:
    ///   - entry: In no other wheel; if it is in this one it is moved.
    ///   - tick: At least the next one is meant.
    mutating func schedule(_ entry: TimerEntry, at tick: UInt64) {
        self.cancel(entry)
        if self.slots.isEmpty {
            // A server without timers has no wheel.
            self.slots = Array(repeating: nil, count: Self.slotCount)
        }
        entry.due = max(self.now + 1, tick)
        entry.isScheduled = true
        let slot = Self.slot(of: entry.due)
        entry.next = self.slots[slot]
        entry.next?.previous = entry
        self.slots[slot] = entry
        self.count += 1
    }

    mutating func cancel(_ entry: TimerEntry) {
        guard entry.isScheduled else {
            return
        }
        entry.isScheduled = false
        let next = entry.next
        next?.previous = entry.previous
        if let previous = entry.previous {
            previous.next = next
        } else {
            self.slots[Self.slot(of: entry.due)] = next
        }
        entry.next = nil
        entry.previous = nil
        self.count -= 1
    }

    /// The tick at which ``advance(to:)`` must be called, if anything is scheduled. There may be nothing due then.
    var nextTick: UInt64? {
        guard self.count > 0 else {
            return nil
        }
        for distance in 1...UInt64(Self.slotCount) where self.slots[Self.slot(of: self.now + distance)] != nil {
            return self.now + distance
        }
        return nil
    }

    /// - Returns: The entries that are due, which are no longer scheduled.
    mutating func advance(to tick: UInt64) -> [TimerEntry] {
        guard tick > self.now else {
            return []
        }
        let first = self.now + 1
        self.now = tick
        guard self.count > 0 else {
            return []
        }
        var due: [TimerEntry] = []
        for position in first...min(tick, first + UInt64(Self.slotCount) - 1) {
            var next = self.slots[Self.slot(of: position)]
            while let entry = next {
                next = entry.next
                if entry.due <= tick {
                    self.cancel(entry)
                    due.append(entry)
                }
            }
        }
        return due
    }

    private static func slot(of tick: UInt64) -> Int {
        Int(tick % UInt64(Self.slotCount))
    }
}
