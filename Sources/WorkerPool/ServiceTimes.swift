import NIOCore

/// The times that workers take for a request, which determine how many requests one may be given at once.
///
/// A moving average of the time and one of its square, over the last few hundred requests. A request that is given to a
/// worker which serves another one waits for the rest of that one: half of E[t²]/E[t] on average (the mean residual
/// life of renewal theory), which counts a seldom long time for what it does to those behind it. One that takes a
/// hundred times as long as the others, once in a hundred, so keeps workers from being given any request behind another.
struct ServiceTimes {
    /// Requests that the averages are over.
    private static let span = 256.0
    /// The requests that must have been measured before a busy worker is given any.
    private static let fewest = 16
    /// A longer time counts as this, in seconds: the pool recovers from one accident.
    private static let longest = 1.0

    private var samples = 0
    /// Seconds.
    private var mean = 0.0
    /// Seconds squared.
    private var meanSquare = 0.0

    /// - Parameters:
    ///   - time: From when the first one was given to the worker, or became its first, to the answer of the last.
    ///   - count: Requests that were answered at once, at least 1.
    mutating func record(_ time: TimeAmount, count: Int) {
        let seconds = min(Double(max(0, time.nanoseconds)) * 1e-9 / Double(count), Self.longest)
        self.samples = min(self.samples + count, Int(Self.span))
        let weight = min(1, Double(count) / Double(self.samples))
        self.mean += (seconds - self.mean) * weight
        self.meanSquare += (seconds * seconds - self.meanSquare) * weight
    }

    /// Requests that a worker may have, so that one that is given to it waits `wait` on average at the most: 1…`most`.
    func depth(wait: TimeAmount, most: Int) -> Int {
        guard self.samples >= Self.fewest, self.mean > 0 else {
            return 1
        }
        let left = Double(wait.nanoseconds) * 1e-9 - self.meanSquare / (2 * self.mean)
        guard left > 0 else {
            return 1
        }
        return Int(min(2 + left / self.mean, Double(most)))
    }
}
