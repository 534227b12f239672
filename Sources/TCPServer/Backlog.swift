import NIOCore

/// The answers that a client has not taken yet, and whether it takes any.
///
/// An answer's memory is freed only when the client has taken all of it, so a partly taken answer counts in full. A class:
/// hardly any connection has one. Confined to the connection's event loop.
final class Backlog {
    enum Pace: Hashable {
        case reading
        /// The client takes bytes, but has not taken all of its oldest answer for too long.
        case overdue
        /// The client has taken nearly nothing for some checks.
        case stalled
    }

    /// Checks before a client counts as stalled.
    private static let checks = 3
    /// The fewest bytes that a client must take within those checks.
    private static let leastTaken = checks * 64 * 1024
    /// Checks that an answer may take before it counts as overdue.
    private static let checksForAnswer = 10
    /// Smaller backlogs, in bytes, are never overdue: closing many connections for little memory is no use.
    private static let leastOverdue = 1 << 20

    /// Bytes of answers that the client has not taken in full.
    private(set) var bytes = 0
    /// Their lengths, the oldest first.
    private var answers = CircularBuffer<Int>()
    /// Bytes that the client has not taken.
    private var unsent = 0
    private var takenLately = 0
    private var checksSince = 0
    private var checksOfOldest = 0
    /// Checks since the last one that found progress.
    private var checksWithoutProgress = 0
    /// Bytes that the client's system had not acknowledged at the last check; `nil` before the first.
    private var untaken: Int?

    /// Another answer is written.
    func add(_ bytes: Int) {
        self.answers.append(bytes)
        self.bytes += bytes
        self.unsent += bytes
        self.untaken? += bytes
    }

    /// Notes how many bytes the client has still to take.
    func update(unsent: Int) {
        self.takenLately += self.unsent - unsent
        if unsent < self.unsent {
            self.checksWithoutProgress = 0
        }
        self.unsent = unsent
        while let oldest = self.answers.first, oldest <= self.bytes - unsent {
            self.answers.removeFirst()
            self.bytes -= oldest
            self.checksOfOldest = 0
        }
        if self.bytes == 0 {
            // The client has taken everything: the next answer starts a new backlog.
            self.takenLately = 0
            self.checksSince = 0
        }
    }

    /// Whether the client has taken nothing for a time. Called after each ``check()``.
    ///
    /// - Parameter untaken: Bytes that its system has not acknowledged. It takes bytes long before the channel can write
    ///   more: the system tells of room only when a third of its own buffer is free.
    func hasStalled(for time: TimeAmount, untaken: Int) -> Bool {
        if let before = self.untaken, untaken < before {
            self.checksWithoutProgress = 0
        }
        self.untaken = untaken
        // The first check comes within a second of whatever was before it.
        return .seconds(Int64(self.checksWithoutProgress - 1)) >= time
    }

    /// Called once a second.
    func check() -> Pace {
        self.checksSince += 1
        self.checksOfOldest += 1
        self.checksWithoutProgress += 1
        if self.takenLately >= Self.leastTaken {
            self.takenLately = 0
            self.checksSince = 0
        }
        if self.checksSince >= Self.checks {
            return .stalled
        }
        return self.checksOfOldest > Self.checksForAnswer && self.bytes >= Self.leastOverdue ? .overdue : .reading
    }
}
