/// The removal of expired keys in slices: a million that expire in the same second must not delay a call.
struct MemorySweep {
    /// Of one slice, after which other threads get their turn.
    static let budget = Duration.milliseconds(1)
    /// Keys that are removed under one lock.
    private static let step = 64

    private let shards: MemoryShards
    private var next = 0

    init(shards: MemoryShards) {
        self.shards = shards
    }

    /// Runs one slice.
    ///
    /// - Returns: How long to pause before the next one.
    mutating func run(now: UnixMilliseconds) -> Duration {
        let end = ContinuousClock.now + Self.budget
        var finished = 0
        while finished < self.shards.count {
            if self.shards.sweep(self.next, now: now, limit: Self.step) {
                finished = 0
            } else {
                finished += 1
                self.next = (self.next + 1) % self.shards.count
            }
            guard ContinuousClock.now < end else { return Self.budget }
        }
        return .milliseconds(100)
    }
}
