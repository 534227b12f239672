public import Goridge
import NIOCore

/// The conversation with one worker over its relay: the handshake, then one request at a time, then the end.
///
/// No I/O and no clock: a method takes what happened and says what to do.
public struct WorkerStateMachine: Sendable {
    private enum State {
        /// The server's pid is sent, the worker's is awaited. Can become `idle`, `broken` or `closed`.
        case handshake
        /// Nothing is asked. Can become `busy`, `stopping`, `broken` or `closed`.
        case idle
        /// A request is written, its answer is awaited. Can become `idle`, `stopping`, `broken` or `closed`.
        case busy
        /// It was asked to end; what it still writes is ignored. Can become `closed`.
        case stopping
        /// It wrote what is no answer: the rest is gathered for the log, then it is killed. Can become `closed`.
        case broken
        /// Its end of the relay is closed.
        case closed
    }

    private var state = State.handshake

    public init() {}

    /// Whether the handshake is still to come.
    public var isStarting: Bool {
        if case .handshake = self.state { true } else { false }
    }

    public enum FrameAction: Sendable {
        /// The worker is ready.
        case ready
        /// The answer to the request; `isUsable` is false when bytes follow it that nobody asked for.
        case answer(WorkerAnswer, isUsable: Bool)
        /// It answered `{"stop":true}`: the request is for another worker.
        case refused
        case ignore
        /// No answer: what was wrong with it, and whether a request had been written.
        case broken(String, isBusy: Bool)
    }

    /// A whole frame came.
    ///
    /// - Parameter isLast: Whether nothing that was read follows it.
    public mutating func received(_ frame: Frame, isLast: Bool) -> FrameAction {
        switch self.state {
        case .handshake:
            guard frame.flags.contains(.control), case .pid = ControlMessage(payload: frame.payload) else {
                self.state = .broken
                return .broken("the first frame of a worker must be its pid", isBusy: false)
            }
            guard isLast else {
                self.state = .broken
                return .broken("bytes after its pid", isBusy: false)
            }
            self.state = .idle
            return .ready
        case .idle:
            self.state = .broken
            return .broken("a frame that nobody asked for", isBusy: false)
        case .busy:
            return self.receivedAnswer(frame, isLast: isLast)
        case .stopping, .broken, .closed:
            return .ignore
        }
    }

    private mutating func receivedAnswer(_ frame: Frame, isLast: Bool) -> FrameAction {
        if frame.flags.contains(.error) {
            self.state = isLast ? .idle : .broken
            return .answer(.error(message: frame.payload), isUsable: isLast)
        }
        guard !frame.streamFlags.contains(.stream) else {
            self.state = .broken
            return .broken("a streamed answer, which this service does not support", isBusy: true)
        }
        guard frame.optionCount == 1 else {
            self.state = .broken
            return .broken(
                "an answer with \(frame.optionCount) options instead of one, the length of its context",
                isBusy: true
            )
        }
        var body = frame.payload
        guard let length = Int(exactly: frame.firstOption), let context = body.readSlice(length: length) else {
            self.state = .broken
            return .broken(
                "an answer whose context of \(frame.firstOption) bytes is longer than its payload of "
                    + "\(frame.payload.readableBytes)",
                isBusy: true
            )
        }
        if ControlMessage.isStop(context: context), body.readableBytes == 0 {
            // It is asked to stop next; what follows is ignored from then on.
            self.state = .idle
            return .refused
        }
        self.state = isLast ? .idle : .broken
        return .answer(.reply(context: context, body: body), isUsable: isLast)
    }

    /// A request is to be written. `false` when the worker cannot take it.
    public mutating func lease() -> Bool {
        guard case .idle = self.state else {
            return false
        }
        self.state = .busy
        return true
    }

    public enum GiveUpAction: Sendable {
        /// Nobody was told yet.
        case fail(isBusy: Bool)
        /// It was asked to end, or given up already.
        case none
    }

    /// The worker is of no use any more: bytes came that can be no frame, or its handshake takes too long.
    public mutating func giveUp() -> GiveUpAction {
        switch self.state {
        case .handshake, .idle:
            self.state = .broken
            return .fail(isBusy: false)
        case .busy:
            self.state = .broken
            return .fail(isBusy: true)
        case .stopping, .broken, .closed:
            return .none
        }
    }

    public enum StopAction: Sendable {
        /// The stop frame is to be written; the worker has `destroy_timeout` to end.
        case sendStop
        /// It cannot be asked.
        case kill
        case none
    }

    /// The worker is to end.
    public mutating func stop() -> StopAction {
        switch self.state {
        case .idle:
            self.state = .stopping
            return .sendStop
        case .handshake, .busy:
            self.state = .stopping
            return .kill
        case .stopping, .broken, .closed:
            // A broken one is killed as soon as what it wrote is gathered.
            return .none
        }
    }

    public enum CloseAction: Sendable {
        /// It ended before it was ready.
        case startFailed
        /// It ended without being asked to, with a request or without.
        case failed(isBusy: Bool)
        /// It was asked to end, or given up already.
        case none
    }

    /// The worker's end of the relay is closed: no answer will come any more.
    public mutating func closed() -> CloseAction {
        defer { self.state = .closed }
        switch self.state {
        case .handshake: return .startFailed
        case .idle: return .failed(isBusy: false)
        case .busy: return .failed(isBusy: true)
        case .stopping, .broken, .closed: return .none
        }
    }
}
