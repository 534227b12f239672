/// Lines on their way to an output that may be slow, or stuck: bounded, in order, with a count of what did not fit.
///
/// No I/O and no lock. Once a line was refused all are, until the writer takes what is there: so there is one gap, and
/// the place of its note is known.
struct LogQueue {
    /// The most bytes that wait; as many again may be in the writer's hands. A single longer line is taken when nothing
    /// else waits. Enough for what a worker spits out at once when it fails.
    static let limit = 8 << 20
    /// What a line costs beyond its text, so that many short ones are bounded, too.
    static let costOfLine = 64

    /// What the writer is to do at once.
    struct Batch: Equatable {
        /// Before the lines are written.
        var reopens = false
        var lines: [String] = []
        /// How many lines came after these and were dropped.
        var dropped = 0
    }

    private var waiting = Batch()
    private var cost = 0
    private var isWriting = false
    /// No line comes any more.
    private(set) var isClosed = false

    /// Whether everything that was added is written.
    var isIdle: Bool {
        self.isEmpty && !self.isWriting
    }

    private var isEmpty: Bool {
        self.waiting == Batch()
    }

    /// - Returns: Whether the writer is to be woken.
    mutating func add(_ line: String) -> Bool {
        let wasEmpty = self.isEmpty
        let cost = line.utf8.count + Self.costOfLine
        guard self.waiting.dropped == 0, self.cost + cost <= Self.limit || self.waiting.lines.isEmpty else {
            self.waiting.dropped += 1
            return false
        }
        self.cost += cost
        self.waiting.lines.append(line)
        return wasEmpty
    }

    /// Lines that are added from now on go to a file that is opened anew.
    mutating func reopen() {
        self.waiting.reopens = true
    }

    mutating func close() {
        self.isClosed = true
    }

    /// The next work for the writer, which calls ``written()`` afterwards.
    ///
    /// - Returns: `nil` when there is nothing.
    mutating func take() -> Batch? {
        guard !self.isEmpty else {
            return nil
        }
        defer {
            self.waiting = Batch()
            self.cost = 0
            self.isWriting = true
        }
        return self.waiting
    }

    /// The writer has done what it took.
    mutating func written() {
        self.isWriting = false
    }
}
