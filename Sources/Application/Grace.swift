import NIOCore

/// The time between the signal and the exit: `endure.grace_period`.
struct Grace {
    let period: TimeAmount
    private let start = NIODeadline.now()

    /// How long sessions may go on: all but a quarter, or 5 s if that is less.
    var timeForSessions: TimeAmount {
        max(.nanoseconds(self.period.nanoseconds / 4 * 3), self.period - .seconds(5))
    }

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
