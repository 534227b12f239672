import Testing

@testable import Observability

@Suite struct LogQueueTests {
    private var queue = LogQueue()

    @Test mutating func linesComeOutInTheirOrder() {
        for line in ["1", "2", "3"] {
            _ = self.queue.add(line)
        }
        #expect(self.queue.take() == LogQueue.Batch(lines: ["1", "2", "3"]))
        #expect(self.queue.take() == nil)
    }

    @Test mutating func theWriterIsWokenOnceForWhatItFindsTogether() {
        let first = [self.queue.add("1"), self.queue.add("2")]
        #expect(first == [true, false])
        _ = self.queue.take()
        let second = self.queue.add("3")
        #expect(second)
    }

    @Test mutating func idleMeansWritten() {
        #expect(self.queue.isIdle)
        _ = self.queue.add("1")
        #expect(!self.queue.isIdle)
        _ = self.queue.take()
        #expect(!self.queue.isIdle, "the writer has it")
        self.queue.written()
        #expect(self.queue.isIdle)
    }

    @Test mutating func whatDoesNotFitIsCountedAndLeavesOneGap() {
        let line = String(repeating: "x", count: 1000)
        let fitting = LogQueue.limit / (1000 + LogQueue.costOfLine)
        for _ in 0..<fitting + 5 {
            _ = self.queue.add(line)
        }
        // It would fit, but its place would be wrong.
        _ = self.queue.add("")
        let batch = self.queue.take()
        #expect(batch?.lines.count == fitting)
        #expect(batch?.dropped == 6)
        _ = self.queue.add("again")
        #expect(self.queue.take() == LogQueue.Batch(lines: ["again"]))
    }

    @Test mutating func manyEmptyLinesAreBounded() {
        for _ in 0..<1_000_000 {
            _ = self.queue.add("")
        }
        let batch = self.queue.take()
        #expect(batch?.lines.count == LogQueue.limit / LogQueue.costOfLine)
        #expect(batch.map { $0.lines.count + $0.dropped } == 1_000_000)
    }

    @Test mutating func oneVeryLongLineIsTaken() {
        let line = String(repeating: "x", count: 2 * LogQueue.limit)
        _ = self.queue.add(line)
        _ = self.queue.add("next")
        #expect(self.queue.take() == LogQueue.Batch(lines: [line], dropped: 1))
    }

    @Test mutating func reopeningIsWorkEvenWithoutLines() {
        self.queue.reopen()
        #expect(!self.queue.isIdle)
        #expect(self.queue.take() == LogQueue.Batch(reopens: true))
    }

    @Test mutating func aClosedQueueIsEmptiedFirst() {
        _ = self.queue.add("last")
        self.queue.close()
        #expect(self.queue.isClosed)
        #expect(self.queue.take()?.lines == ["last"])
    }
}
