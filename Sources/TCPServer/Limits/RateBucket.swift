/// A rate, and how many may come at once.
package struct Rate: Sendable, Hashable {
    /// Nanoseconds for each one, at least 1.
    let interval: UInt64
    /// Nanoseconds for as many as may come at once.
    let span: UInt64

    /// - Parameters:
    ///   - count: 1…2^20.
    ///   - nanoseconds: The time in which so many may come, at most an hour.
    ///   - burst: How many may come at once, 1…2^20.
    package init(_ count: Int, in nanoseconds: UInt64, burst: Int) {
        self.interval = max(1, nanoseconds / UInt64(max(1, count)))
        self.span = self.interval * UInt64(max(1, burst))
    }
}

/// A bucket that a rate fills: one word, whatever the rate. No clock: times are nanoseconds of one that only grows.
struct RateBucket: Hashable {
    /// When it is full again.
    private(set) var fullAt: UInt64 = 0

    /// How many may come now.
    func room(_ rate: Rate, at now: UInt64) -> Int {
        Int((rate.span - self.debt(rate, now)) / rate.interval)
    }

    /// Nanoseconds until one may come.
    func delay(_ rate: Rate, at now: UInt64) -> UInt64 {
        let (debt, most) = (self.debt(rate, now), rate.span - rate.interval)
        return debt > most ? debt - most : 0
    }

    /// One has come; also if there was no room.
    mutating func take(_ rate: Rate, at now: UInt64) {
        self.fullAt = now + min(rate.span, self.debt(rate, now) + rate.interval)
    }

    /// After a reload the bucket may be smaller than what was taken of it.
    private func debt(_ rate: Rate, _ now: UInt64) -> UInt64 {
        self.fullAt > now ? min(rate.span, self.fullAt - now) : 0
    }
}
