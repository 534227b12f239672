import NIOCore

/// The workers to replace, and the times at which their successors may start: a few at a time, and later and later
/// after successors that could not be started.
struct Replacement {
    /// The consecutive failures of successors after which no more are tried. A single failure may be an accident, and
    /// must not keep the rest of the pool from being replaced.
    private static let attempts = 5

    /// Workers that wait for their successor to be started, in order.
    private(set) var queue = CircularBuffer<WorkerID>()
    /// Successors that are starting.
    private(set) var onTheirWay = 0
    /// Successors in a row that could not be started.
    private(set) var failures = 0
    /// The time until which no worker is replaced for passing a limit.
    private(set) var heldUntil = NIODeadline.uptimeNanoseconds(0)

    mutating func append(_ id: WorkerID) {
        self.queue.append(id)
    }

    /// The next worker whose successor may be started.
    mutating func next(limit: Int) -> WorkerID? {
        self.onTheirWay < limit ? self.queue.popFirst() : nil
    }

    mutating func successorStarted() {
        self.onTheirWay += 1
    }

    /// A successor has taken over, or its worker has gone before.
    mutating func successorCounts() {
        self.onTheirWay -= 1
    }

    mutating func successorReady() {
        self.failures = 0
    }

    /// A new reset begins: the cause of failing successors may have been fixed.
    mutating func forgetFailures() {
        self.failures = 0
    }

    /// A successor could not be started: its worker is tried again after the others.
    ///
    /// - Parameter hold: How long to wait after this many failures.
    /// - Returns: The workers that are not replaced for now: all, after too many failures.
    mutating func successorFailed(of id: WorkerID, now: NIODeadline, hold: TimeAmount) -> [WorkerID] {
        self.failures += 1
        self.heldUntil = now + hold
        self.onTheirWay -= 1
        self.queue.append(id)
        guard self.failures >= Self.attempts else {
            return []
        }
        defer { self.queue.removeAll() }
        return Array(self.queue)
    }
}
