/// Consecutive refusals for the same reason: a line when they begin, and one with their number when they are over.
struct RefusalEpisode: Hashable {
    private var count = 0
    private var seen = 0

    /// A connection is refused.
    ///
    /// - Returns: Whether an episode begins, which must be checked from then on.
    mutating func refused() -> Bool {
        self.count += 1
        return self.count == 1
    }

    /// Called regularly during an episode.
    ///
    /// - Returns: The number of refusals if there was none since the last check: the episode is over.
    mutating func check() -> Int? {
        guard self.count == self.seen else {
            self.seen = self.count
            return nil
        }
        let count = self.count
        self = RefusalEpisode()
        return count
    }
}
