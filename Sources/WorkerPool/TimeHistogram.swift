import NIOCore

/// Times counted in buckets: how many were at most 50 µs, 100 µs, … 10 s, how many longer, and their sum.
package struct TimeHistogram: Sendable, Hashable {
    /// The buckets' upper bounds, ascending, in seconds; times beyond the last one have a bucket of their own.
    package static let upperBounds: [Double] = [
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// ``upperBounds`` in nanoseconds.
    private let bounds: [Int64]
    /// Times in each bucket alone; the last bucket has no bound.
    package private(set) var counts: [UInt64]
    /// All times together, in seconds.
    package private(set) var sum = 0.0

    package init() {
        self.bounds = Self.upperBounds.map { Int64(($0 * 1e9).rounded()) }
        self.counts = Array(repeating: 0, count: Self.upperBounds.count + 1)
    }

    /// Times counted.
    package var count: UInt64 {
        self.counts.reduce(0, &+)
    }

    /// Counts a time. A negative one, from another clock, counts as zero.
    mutating func record(_ time: TimeAmount) {
        let nanoseconds = max(0, time.nanoseconds)
        var bucket = 0
        while bucket < self.bounds.count, nanoseconds > self.bounds[bucket] {
            bucket += 1
        }
        self.counts[bucket] &+= 1
        self.sum += Double(nanoseconds) * 1e-9
    }

    /// Counts a time of zero.
    mutating func recordZero() {
        self.counts[0] &+= 1
    }
}
