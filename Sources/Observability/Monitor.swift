import Glibc

/// A state under a lock whose changes a thread can wait for.
final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    init(_ state: State) {
        self.state = state
        self.mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(self.mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // A wait must not depend on the wall clock, which can be set.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        self.condition.initialize(to: pthread_cond_t())
        pthread_cond_init(self.condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(self.condition)
        pthread_mutex_destroy(self.mutex)
        self.condition.deallocate()
        self.mutex.deallocate()
    }

    /// Changes the state. Waiting threads see the change only after ``wakeAll()``.
    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return body(&self.state)
    }

    func wakeAll() {
        pthread_cond_broadcast(self.condition)
    }

    /// Waits until the body has a result.
    ///
    /// - Parameter deadline: Of the monotonic clock; for ever when `nil`.
    /// - Returns: `nil` when the deadline has passed before.
    func wait<Result>(until deadline: timespec? = nil, for body: (inout State) -> Result?) -> Result? {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        while true {
            if let result = body(&self.state) {
                return result
            }
            guard var deadline else {
                pthread_cond_wait(self.condition, self.mutex)
                continue
            }
            if pthread_cond_timedwait(self.condition, self.mutex, &deadline) == ETIMEDOUT {
                return body(&self.state)
            }
        }
    }
}

extension timespec {
    /// A moment of the monotonic clock.
    ///
    /// - Parameter milliseconds: From now; 0 or more.
    static func fromNow(milliseconds: Int) -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let nanoseconds = time.tv_nsec + milliseconds % 1000 * 1_000_000
        time.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        return time
    }

    /// The time of day.
    static var now: timespec {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time
    }
}
