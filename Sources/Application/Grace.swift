import NIOCore

/// The time between the signal and the exit, `endure.grace_period`, and its shares:
///
///     signal                                   end of sessions        of requests  of CLOSE  of workers    exit
///     |--- sessions go on until they rest ---------|--- last packets ------|---------|---------|---reserve---|
///     0                      all but T             t1                      t2        t3        t4            G
///
/// T is 5 s, or a quarter of the period if that is less; the reserve a second, or a tenth of the period. What lies between
/// them is halved: a half for the last packets, a quarter for each `CLOSE`, a quarter for workers that are asked to stop.
/// With 30 s: t1 = 25 s, t2 = 27 s, t3 = 28 s, t4 = 29 s. Whatever ends earlier does not wait for its moment.
struct Grace {
    /// A moment of the end, in this order.
    enum Moment: CaseIterable {
        /// Sessions end, each between two packets.
        case sessionsMustEnd
        /// Requests that workers still have are given up, and connections with half a packet, or an unread answer, ended:
        /// each `CLOSE` goes to a worker that is free.
        case requestsMustEnd
        /// Idle workers are asked to stop.
        case closesMustEnd
        /// All remaining workers are killed and reaped.
        case timeIsUp
        /// The process exits, even if something is left.
        case over
    }

    let period: TimeAmount
    private let start = NIODeadline.now()

    private var tail: TimeAmount {
        min(.seconds(5), self.period / 4)
    }

    private var reserve: TimeAmount {
        min(.seconds(1), self.period / 10)
    }

    /// The time from the signal to a moment.
    func time(of moment: Moment) -> TimeAmount {
        let share = (self.tail - self.reserve) / 4
        return switch moment {
        case .sessionsMustEnd: self.period - self.tail
        case .requestsMustEnd: self.period - self.tail + share * 2
        case .closesMustEnd: self.period - self.tail + share * 3
        case .timeIsUp: self.period - self.reserve
        case .over: self.period
        }
    }

    /// The time left until a moment; at least zero.
    func timeLeft(until moment: Moment) -> TimeAmount {
        max(.zero, self.start + self.time(of: moment) - .now())
    }

    /// How long a client may take to complete a packet if sessions do not go on.
    var patience: TimeAmount {
        self.tail
    }

    /// The last fifth of the sessions' time, in which sessions that are never idle are ended one after the other.
    var timeForSpreading: TimeAmount {
        self.time(of: .sessionsMustEnd) / 5
    }

    /// How long workers may take to stop, so that a slow one is killed before the reserve is used.
    var timeForWorkers: TimeAmount {
        max(.milliseconds(1), self.timeLeft(until: .timeIsUp) * 9 / 10)
    }
}

extension TimeAmount {
    fileprivate static func / (amount: TimeAmount, divisor: Int64) -> TimeAmount {
        .nanoseconds(amount.nanoseconds / divisor)
    }
}
