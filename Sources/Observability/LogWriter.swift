import Glibc
import Logging

/// The thread of one ``LogOutput``: takes lines from its queue and writes them, however long that takes.
final class LogWriter: @unchecked Sendable {
    /// The most bytes that are written at once.
    private static let chunkSize = 64 << 10
    /// How soon a failed output is tried again.
    private static let retryMilliseconds = 1000

    private let queue: Monitor<LogQueue>
    private var file: LogFile
    private let style: LogStyle
    private let faults: [LogOutput]
    /// Dropped entries that are not reported yet.
    private var lost = 0
    private var isFailing = false
    private var isMidLine = false
    private var chunk: [UInt8] = []
    /// The ends of the lines in the chunk.
    private var ends: [Int] = []

    init(_ file: consuming LogFile, queue: Monitor<LogQueue>, style: LogStyle, faults: [LogOutput]) {
        self.file = file
        self.queue = queue
        self.style = style
        self.faults = faults
    }

    /// Starts the thread; it ends when the queue is closed and empty.
    ///
    /// - Throws: ``LogFailure`` if no thread can be started.
    func start() throws(LogFailure) {
        var thread = pthread_t()
        let own = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else {
                    return nil
                }
                Unmanaged<LogWriter>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, own.toOpaque())
        guard result == 0 else {
            own.release()
            throw LogFailure(description: "cannot start a thread: \(String(cString: strerror(result)))")
        }
        pthread_detach(thread)
    }

    private func run() {
        // Other threads handle signals; a pipe without a reader shows as an error of the write.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        while true {
            let deadline = self.lost > 0 ? timespec.fromNow(milliseconds: Self.retryMilliseconds) : nil
            let next = self.queue.wait(until: deadline) { queue -> LogQueue.Batch?? in
                if let batch = queue.take() {
                    return .some(batch)
                }
                return queue.isClosed ? .some(nil) : nil
            }
            switch next {
            case .some(.some(let batch)):
                self.write(batch)
                self.queue.withLock { $0.written() }
                // A caller of `flush` may wait for the last line.
                self.queue.wakeAll()
            case .some(.none): return
            case .none: self.reportLoss()
            }
        }
    }

    private func write(_ batch: LogQueue.Batch) {
        if batch.reopens {
            self.attempt { file throws(LogFailure) in try file.reopen() }
        }
        self.reportLoss()
        for line in batch.lines {
            self.add(line)
        }
        self.lost += self.flush() + batch.dropped
        self.reportLoss()
    }

    private func reportLoss() {
        guard self.lost > 0 else {
            return
        }
        let lost = self.lost
        self.lost = 0
        self.add(self.style.note("log entries were dropped", ["dropped": "\(lost)"]))
        // The note itself is not a lost entry.
        if self.flush() > 0 {
            self.lost = lost
        }
    }

    private func add(_ line: String) {
        let count = line.utf8.count
        if case .file(_, _?) = self.file.destination {
            self.makeRoom(for: count)
        }
        self.chunk += line.utf8
        self.ends.append(self.chunk.count)
        if self.chunk.count >= Self.chunkSize {
            self.lost += self.flush()
        }
    }

    /// Rotates the file between lines: a line is never split between two files.
    private func makeRoom(for count: Int) {
        self.lost += self.flush()
        self.attempt { file throws(LogFailure) in try file.makeRoom(for: count) }
    }

    /// Writes the lines that were added.
    ///
    /// - Returns: The number of lines that could not be written.
    private func flush() -> Int {
        guard !self.chunk.isEmpty else {
            return 0
        }
        if self.isMidLine {
            self.chunk.insert(UInt8(ascii: "\n"), at: 0)
            self.ends = self.ends.map { $0 + 1 }
        }
        let (written, fault) = self.chunk.withUnsafeBytes { self.file.write($0) }
        let missing = self.ends.count { $0 > written }
        if written > 0 {
            self.isMidLine = missing > 0 && !self.ends.contains(written)
        }
        self.chunk.removeAll(keepingCapacity: true)
        self.ends.removeAll(keepingCapacity: true)
        if let fault {
            self.report("cannot write: \(String(cString: strerror(fault)))")
        } else {
            self.isFailing = false
        }
        return missing
    }

    private func attempt(_ body: (inout LogFile) throws(LogFailure) -> Void) {
        do throws(LogFailure) {
            try body(&self.file)
        } catch {
            self.isFailing = false
            self.report(error.description)
        }
    }

    /// Reports a fault to `err_output`, once until writing works again.
    private func report(_ fault: String) {
        guard !self.isFailing else {
            return
        }
        self.isFailing = true
        for output in self.faults {
            output.note(
                "the log is not written as it should", ["output": "\(self.file.destination.name)", "error": "\(fault)"])
        }
    }
}
