/// Lines for an output that may be slow or stuck: a bounded queue that counts the lines that did not fit.
///
/// No I/O and no lock. Once a line is dropped, so are all others until the writer takes the queue's lines: this leaves
/// a single gap with a known place for its note.
struct LogQueue {
    /// The most waiting bytes; the writer may hold as many again. A single longer line is accepted if the queue is
    /// empty. Enough for the output of a failing worker.
    static let limit = 8 << 20
    /// The cost of a line beyond its text, which limits many short lines as well.
    static let costOfLine = 64

    /// The writer's next work.
    struct Batch: Equatable {
        /// Whether to reopen the file before the lines are written.
        var reopens = false
        var lines: [String] = []
        /// The number of later lines that were dropped.
        var dropped = 0
    }

    private var waiting = Batch()
    private var cost = 0
    private var isWriting = false
    /// Whether no further line is added.
    private(set) var isClosed = false

    /// Whether everything that was added is written.
    var isIdle: Bool {
        self.isEmpty && !self.isWriting
    }

    private var isEmpty: Bool {
        self.waiting == Batch()
    }

    /// - Returns: Whether the caller must wake the writer.
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

    /// Makes the writer reopen the file before it writes lines that are added from now on.
    mutating func reopen() {
        self.waiting.reopens = true
    }

    mutating func close() {
        self.isClosed = true
    }

    /// The next work for the writer, which calls ``written()`` afterwards.
    ///
    /// - Returns: `nil` if there is none.
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

    /// The writer has finished the work that it took.
    mutating func written() {
        self.isWriting = false
    }
}
