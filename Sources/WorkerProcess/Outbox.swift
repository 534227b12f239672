import NIOCore

/// Frames that wait to be written to a worker: what one turn of the loop brings is one write.
struct Outbox {
    private enum State {
        /// The first frame that comes is written at once, or has a flush scheduled. Can become `scheduled` or `collecting`.
        case open
        /// A flush comes at the end of this turn. Can become `open` or `collecting`.
        case scheduled
        /// Several frames may come now, and then a flush. Can become `open`.
        case collecting
    }

    enum Flush {
        case now
        case atEndOfTurn
        /// It comes anyway.
        case expected
    }

    /// So many bytes are worth a write of their own.
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
            // What was there before is no less urgent.
            return isUrgent ? .now : .expected
        case .collecting:
            return .expected
        }
    }

    mutating func startCollecting() {
        self.state = .collecting
    }

    /// What was collected, or was to be written at the end of the turn, is written now.
    mutating func finishCollecting() {
        self.state = .open
    }

    mutating func wrote(_ count: Int) {
        self.written += count
    }
}
