import NIOCore

/// Frames that wait to be written to a worker: those of one turn of the event loop become one write.
struct Outbox {
    private enum State {
        /// The next frame is written at once, or schedules a flush. Can become `scheduled` or `collecting`.
        case open
        /// A flush comes at the end of this turn. Can become `open` or `collecting`.
        case scheduled
        /// Several frames may come now, and then a flush. Can become `open`.
        case collecting
    }

    enum Flush {
        case now
        case atEndOfTurn
        /// A flush is scheduled already.
        case expected
    }

    /// The number of bytes that are worth a write of their own.
    private static let much = 32 * 1024

    /// The frames.
    var bytes = ByteBuffer()
    private var state = State.open
    /// Bytes that the system may have taken since the relay began.
    private(set) var written = 0

    /// Bytes written, and those to be written.
    var end: Int {
        self.written + self.bytes.readableBytes
    }

    /// - Parameter isUrgent: Whether the worker waits for it.
    mutating func added(isUrgent: Bool) -> Flush {
        if self.bytes.readableBytes > Self.much {
            return .now
        }
        switch self.state {
        case .open where isUrgent:
            return .now
        case .open:
            self.state = .scheduled
            return .atEndOfTurn
        case .scheduled:
            // Frames that already waited are no less urgent.
            return isUrgent ? .now : .expected
        case .collecting:
            return .expected
        }
    }

    mutating func startCollecting() {
        self.state = .collecting
    }

    /// The collected frames, or those scheduled for the end of the turn, are written now.
    mutating func finishCollecting() {
        self.state = .open
    }

    /// The frames are not to be written.
    mutating func discard() {
        self.bytes.clear()
    }

    mutating func wrote(_ count: Int) {
        self.written += count
    }
}
