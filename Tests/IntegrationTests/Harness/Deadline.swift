import Foundation

/// A moment after which waiting is given up. Generous: a test that passes never gets near it.
struct Deadline {
    static let patience = Duration.seconds(30)

    private let end: ContinuousClock.Instant

    init(_ duration: Duration = Self.patience) {
        self.end = .now + duration
    }

    var remaining: Duration {
        max(.zero, self.end - .now)
    }

    var hasPassed: Bool {
        self.remaining == .zero
    }

    /// For `poll`, never 0 as long as there is time.
    var milliseconds: Int32 {
        Int32(clamping: Int((self.remaining / .milliseconds(1)).rounded(.up)))
    }

    /// For `NSCondition`.
    var date: Date {
        Date(timeIntervalSinceNow: self.remaining / .seconds(1))
    }
}

struct TimeoutError: Error, CustomStringConvertible {
    var description: String

    init(_ what: String) {
        self.description = "waited in vain for \(what)"
    }
}

/// Looks again and again until there is a value: for what the kernel announces to nobody, a process that is gone say.
func awaitValue<Value>(
    _ what: String,
    within duration: Duration = Deadline.patience,
    _ look: () throws -> Value?
) throws -> Value {
    let deadline = Deadline(duration)
    while true {
        if let value = try look() {
            return value
        }
        guard !deadline.hasPassed else {
            throw TimeoutError(what)
        }
        usleep(5000)
    }
}

/// As ``awaitValue(_:within:_:)``, for a condition.
func eventually(_ what: String, within duration: Duration = Deadline.patience, _ isTrue: () throws -> Bool) throws {
    try awaitValue(what, within: duration) { try isTrue() ? () : nil }
}
