import NIOCore

/// What a client has not taken of its answers, and whether it takes anything.
///
/// The memory of an answer is free when all of it is taken: so much counts, and not what is left of it.
struct Backlog {
    enum Pace: Hashable {
        case reading
        /// The client takes something, but has not taken the oldest answer for long.
        case overdue
        /// The client has taken nearly nothing for some checks.
        case stalled
    }

    /// Checks of a client before it counts as one that does not read.
    private static let checks = 3
    /// The least that a client takes in that time, in bytes.
    private static let leastTaken = checks * 64 * 1024
    /// Checks that an answer may take before it counts as overdue.
    private static let checksForAnswer = 10
    /// The least that is overdue: it is no use to close many for little.
    private static let leastOverdue = 1 << 20

    /// Bytes of answers that are not all taken.
    private(set) var bytes = 0
    /// Their lengths, the oldest first.
    private var answers = CircularBuffer<Int>()
    /// Bytes that are not taken.
    private var unsent = 0
    private var takenLately = 0
    private var checksSince = 0
    private var checksOfOldest = 0

    /// Another answer is written.
    mutating func add(_ bytes: Int) {
        self.answers.append(bytes)
        self.bytes += bytes
        self.unsent += bytes
    }

    /// So many bytes are still to be taken.
    mutating func update(unsent: Int) {
        self.takenLately += self.unsent - unsent
        self.unsent = unsent
        while let oldest = self.answers.first, oldest <= self.bytes - unsent {
            self.answers.removeFirst()
            self.bytes -= oldest
            self.checksOfOldest = 0
        }
        if self.bytes == 0 {
            // What comes next has nothing to do with what was.
            self.takenLately = 0
            self.checksSince = 0
        }
    }

    /// Once a second.
    mutating func check() -> Pace {
        self.checksSince += 1
        self.checksOfOldest += 1
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
