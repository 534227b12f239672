import Foundation

/// The lines that a process writes to a pipe, gathered by a thread as they come.
final class LineLog: @unchecked Sendable {
    private let condition = NSCondition()
    private var lines: [String] = []
    private var isClosed = false

    /// Reads from the descriptor until its end, and closes it.
    init(reading descriptor: Int32) {
        Thread.detachNewThread {
            self.gather(descriptor)
        }
    }

    /// The lines so far.
    var all: [String] {
        self.condition.withLock { self.lines }
    }

    var text: String {
        self.all.joined(separator: "\n")
    }

    func contains(_ text: String) -> Bool {
        self.all.contains { $0.contains(text) }
    }

    func count(of text: String) -> Int {
        self.all.count { $0.contains(text) }
    }

    /// The first line, come or to come, that holds all of the texts; case does not matter.
    @discardableResult
    func await(_ texts: String..., within duration: Duration = Deadline.patience) throws -> String {
        try self.await("a line with \(texts)", within: duration) { line in
            texts.allSatisfy { line.range(of: $0, options: .caseInsensitive) != nil }
        }
    }

    @discardableResult
    func await(
        _ what: String,
        within duration: Duration = Deadline.patience,
        where matches: (String) -> Bool
    ) throws -> String {
        let deadline = Deadline(duration)
        self.condition.lock()
        defer { self.condition.unlock() }
        var next = 0
        while true {
            if let index = self.lines[next...].firstIndex(where: matches) {
                return self.lines[index]
            }
            next = self.lines.count
            if self.isClosed {
                throw TimeoutError("\(what): the output has ended without it")
            }
            guard self.condition.wait(until: deadline.date) || !deadline.hasPassed else {
                throw TimeoutError(what)
            }
        }
    }

    /// Waits until all writers have closed the pipe.
    func awaitEnd(within duration: Duration = Deadline.patience) throws {
        let deadline = Deadline(duration)
        self.condition.lock()
        defer { self.condition.unlock() }
        while !self.isClosed {
            guard self.condition.wait(until: deadline.date) || !deadline.hasPassed else {
                throw TimeoutError("the end of the output")
            }
        }
    }

    private func gather(_ descriptor: Int32) {
        var rest = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR {
                continue
            }
            guard count > 0 else {
                break
            }
            rest.append(contentsOf: buffer[..<count])
            let pieces = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            rest = Data(pieces.last ?? Data())
            self.add(pieces.dropLast().map { String(decoding: $0, as: UTF8.self) })
        }
        close(descriptor)
        self.add(rest.isEmpty ? [] : [String(decoding: rest, as: UTF8.self)], isLast: true)
    }

    private func add(_ lines: [String], isLast: Bool = false) {
        self.condition.withLock {
            self.lines += lines
            self.isClosed = isLast
            self.condition.broadcast()
        }
    }
}
