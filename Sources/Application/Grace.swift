import NIOCore

/// The time between the signal and the exit: `endure.grace_period`.
struct Grace {
    let period: TimeAmount
    private let start = NIODeadline.now()

    /// What of it is kept for killing and reaping what is left: a tenth, at most a second.
    var reserve: TimeAmount {
        min(.seconds(1), .nanoseconds(self.period.nanoseconds / 10))
    }

    /// How long workers that are asked to stop may take, so that a slow one is killed before the reserve is touched.
    var timeForWorkers: TimeAmount {
        let left = self.start + self.period - self.reserve - .now()
        return max(.milliseconds(1), .nanoseconds(left.nanoseconds / 10 * 9))
    }
}
