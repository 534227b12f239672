import NIOCore

/// The end of a connection's socket: open, flushing, lingering, closed.
///
/// Written answers go out first, and the client gets all of them. Closing a socket that has unread input, or receives
/// some later, resets the connection: the client would lose whatever the system has not sent yet. So the output is
/// ended first, and further input is read and dropped until the client ends its side. No I/O and no clock.
struct SocketStateMachine {
    /// Whether the client keeps up with its answers.
    private enum Reader {
        case reading
        /// Too many answers are still unread.
        case behind
        /// It has sent more packets than it may, and has to wait.
        case paced
        case behindAndPaced
    }

    private enum State {
        /// Answers can be written. Can become `flushing`, `lingering` or `closed`.
        case open(Reader)
        /// Written answers go out; `left` bytes remained at the last check. Can become `lingering` or `closed`.
        case flushing(Ending, left: Int)
        /// The output is ended; the client has still to end its side. Can become `closed`.
        case lingering(Linger)
        /// Closed, or about to be closed. Final.
        case closed
    }

    private struct Linger {
        /// The time between two checks.
        let interval: TimeAmount
        /// Bytes that the client's system had not taken at the last check.
        var left = Int.max
        /// How much longer the client may take nothing.
        var patience = SocketStateMachine.flushTime
    }

    private enum Input {
        case flowing
        /// A read waits until a worker has taken the buffered bytes.
        case held
        /// The client has sent all it will send.
        case ended
    }

    enum Ending: Hashable {
        /// The client may take its time to end its side.
        case ordinary
        /// The server is stopping: a client that has all its answers is not waited for.
        case draining
    }

    /// What the caller must do with the socket.
    enum Action: Hashable {
        case nothing
        /// Flush the written answers, then call ``flushed(isSettled:)``; check the flush after a while.
        case flush(checkAfter: TimeAmount)
        case checkFlush(after: TimeAmount)
        /// End the output; check after a while whether the client has taken all.
        case endOutput(checkAfter: TimeAmount)
        case checkLinger(after: TimeAmount)
        case close
        /// Close although the client has not taken all: a loss.
        case giveUp
    }

    /// How long a client may take to end its side after the server has ended its own.
    static let lingerTime = TimeAmount.seconds(2)
    /// The interval at which a draining server checks whether the client's system has received the last answer.
    static let drainInterval = TimeAmount.milliseconds(100)
    /// How long a client may take none of its pending bytes before the socket is closed anyway.
    static let flushTime = TimeAmount.seconds(30)

    private var state = State.open(.reading)
    private var input = Input.flowing

    /// Whether answers reach the client.
    var isOpen: Bool {
        switch self.state {
        case .open: true
        case .flushing, .lingering, .closed: false
        }
    }

    /// Whether nothing comes or goes any more.
    var isClosed: Bool {
        switch self.state {
        case .closed: true
        case .open, .flushing, .lingering: false
        }
    }

    /// Whether too many answers are still unread, or too many packets came: no more are served.
    var isBehind: Bool {
        switch self.state {
        case .open(.behind), .open(.paced), .open(.behindAndPaced): true
        case .open(.reading), .flushing, .lingering, .closed: false
        }
    }

    /// Whether the client does not read: too many answers are still unread.
    var isUnread: Bool {
        switch self.state {
        case .open(.behind), .open(.behindAndPaced): true
        case .open(.reading), .open(.paced), .flushing, .lingering, .closed: false
        }
    }

    var hasInputEnded: Bool {
        switch self.input {
        case .ended: true
        case .flowing, .held: false
        }
    }

    // MARK: Input

    /// Holds a read until ``releaseRead()``.
    mutating func holdRead() {
        if case .flowing = self.input {
            self.input = .held
        }
    }

    var isReadHeld: Bool {
        switch self.input {
        case .held: true
        case .flowing, .ended: false
        }
    }

    mutating func releaseRead() {
        if case .held = self.input {
            self.input = .flowing
        }
    }

    /// The client has ended its side.
    mutating func inputEnded() -> Action {
        self.input = .ended
        guard case .lingering = self.state else {
            return .nothing
        }
        self.state = .closed
        return .close
    }

    // MARK: Output

    mutating func writabilityChanged(_ isWritable: Bool) {
        switch self.state {
        case .open(.reading), .open(.behind): self.state = .open(isWritable ? .reading : .behind)
        case .open(.paced), .open(.behindAndPaced): self.state = .open(isWritable ? .paced : .behindAndPaced)
        case .flushing, .lingering, .closed: break
        }
    }

    /// The client has to wait before its next packet is served, or no longer.
    mutating func pace(_ isPaced: Bool) {
        switch self.state {
        case .open(.reading), .open(.paced): self.state = .open(isPaced ? .paced : .reading)
        case .open(.behind), .open(.behindAndPaced): self.state = .open(isPaced ? .behindAndPaced : .behind)
        case .flushing, .lingering, .closed: break
        }
    }

    /// The socket is closed, by either side.
    mutating func closed() {
        self.input = .ended
        self.state = .closed
    }

    /// The connection ends.
    ///
    /// - Parameters:
    ///   - unwritten: Bytes that have not been passed to the system yet.
    ///   - isSettled: Whether the client's system has taken all, and no input is unread; asks the system.
    mutating func close(_ ending: Ending, unwritten: Int, isSettled: () -> Bool) -> Action {
        guard case .open = self.state else {
            return .nothing
        }
        self.state = .flushing(ending, left: unwritten)
        return unwritten > 0 ? .flush(checkAfter: Self.flushTime) : self.flushed(isSettled: isSettled)
    }

    /// All written bytes have been passed to the system.
    mutating func flushed(isSettled: () -> Bool) -> Action {
        guard case .flushing(let ending, _) = self.state else {
            return .nothing
        }
        if self.hasInputEnded || ending == .draining && isSettled() {
            self.state = .closed
            return .close
        }
        let linger = Linger(interval: ending == .draining ? Self.drainInterval : Self.lingerTime)
        self.state = .lingering(linger)
        return .endOutput(checkAfter: linger.interval)
    }

    /// Gives up a client that stopped reading long ago.
    mutating func checkFlush(unwritten: Int) -> Action {
        guard case .flushing(let ending, let left) = self.state, unwritten > 0 else {
            return .nothing
        }
        guard unwritten < left else {
            self.state = .closed
            return .giveUp
        }
        self.state = .flushing(ending, left: unwritten)
        return .checkFlush(after: Self.flushTime)
    }

    /// Closes the socket once the client's system has all, or has taken nothing for long.
    mutating func checkLinger(untaken: Int) -> Action {
        guard case .lingering(var linger) = self.state else {
            return .nothing
        }
        linger.patience = untaken < linger.left ? Self.flushTime : linger.patience - linger.interval
        linger.left = untaken
        guard untaken > 0, linger.patience > .zero else {
            self.state = .closed
            return untaken > 0 ? .giveUp : .close
        }
        self.state = .lingering(linger)
        return .checkLinger(after: linger.interval)
    }
}
