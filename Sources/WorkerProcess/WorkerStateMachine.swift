import Goridge
import NIOCore
import WorkerPool

/// One worker from the handshake to its end.
///
/// No I/O and no clock: a method takes an event and returns the action to perform.
package struct WorkerStateMachine: Sendable {
    /// How long an event may go unanswered before the worker is probed; one more than that at the most, as a timer serves
    /// many events.
    package enum Interval: Sendable, CaseIterable {
        /// For a `CLOSE`, and for a reply while a request is held back.
        case short
        /// For other events, and for the rest of a frame.
        case long

        package var time: TimeAmount {
            switch self {
            case .short: .milliseconds(100)
            case .long: .seconds(1)
            }
        }
    }

    private enum State {
        /// The server's pid is sent, the worker's is awaited. Can become `talking`, `broken` or `closed`.
        case handshake
        /// It takes requests and answers them. Can become `refusing`, `stopping`, `broken` or `closed`.
        case talking
        /// It has answered `{"stop":true}`, but may answer the requests after that. Can become `leaving`, `broken` or
        /// `closed`.
        case refusing
        /// The same, and it was asked to end. Can become `broken` or `closed`.
        case leaving
        /// It was asked to end, and has no request; its further output is ignored. Can become `closed`.
        case stopping
        /// It wrote stray output: the rest is gathered for the log, then it is killed. Can become `closed`.
        case broken
        /// Its end of the relay is closed.
        case closed
    }

    private var state = State.handshake
    private var conversation = Conversation(greeting: ByteBuffer(), isAnnounced: false, trial: nil)
    /// The request behind which the worker is probed to find out whether it replies; `nil` to wait for an occasion.
    private let trial: Int?

    /// - Parameter trial: The request, 1 for the first, behind which a worker is probed to find out whether it replies and
    ///   can so be given several at once; `nil` to wait for an occasion.
    package init(trial: Int?) {
        self.trial = trial
    }

    /// Whether the handshake is still to come.
    package var isStarting: Bool {
        if case .handshake = self.state { true } else { false }
    }

    /// Whether the worker can still be given requests, now or when it has said all that it owes.
    package var takesRequests: Bool {
        if case .talking = self.state { true } else { false }
    }

    /// Whether a request can be written now.
    package var isWritable: Bool {
        if case .talking = self.state { self.conversation.isWritable } else { false }
    }

    /// Whether the worker may be given requests while it has others, where the pool gives several: it is always known which
    /// request a frame of its is for.
    package var pipelines: Bool {
        self.conversation.keepsOrder
    }

    /// Whether the worker has answered all requests, but has not replied to its first probe yet.
    package var owesReply: Bool {
        switch self.state {
        case .talking, .refusing, .leaving: self.conversation.owesReply
        case .handshake, .stopping, .broken, .closed: false
        }
    }

    /// The number of requests that the worker has.
    package var requests: Int {
        self.conversation.requests
    }

    // MARK: Requests

    /// The positions of probes to write.
    package struct Probes: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let before = Probes(rawValue: 1)
        package static let behind = Probes(rawValue: 2)
    }

    package enum LeaseAction: Sendable, Hashable {
        /// Write the request now: the worker has no other.
        case write(Probes)
        /// Write the request together with the others of this turn of the event loop.
        case append(Probes)
        /// Keep the request until ``isWritable`` is true.
        case hold
        /// The worker cannot take it.
        case refuse
    }

    /// Decides how to write a request.
    ///
    /// - Parameters:
    ///   - start: How many bytes were written before.
    ///   - size: Bytes of the request.
    ///   - probesCloses: Whether a probe is to follow a `CLOSE` at once: workers do not answer those.
    ///   - mayTry: Whether the worker may be probed to find out whether it replies.
    package mutating func lease(
        isClose: Bool,
        at start: Int,
        size: @autoclosure () -> Int,
        probesCloses: Bool,
        mayTry: @autoclosure () -> Bool
    ) -> LeaseAction {
        guard case .talking = self.state else {
            return .refuse
        }
        return self.conversation.lease(
            isClose: isClose, at: start, size: size, probesCloses: probesCloses, mayTry: mayTry)
    }

    // MARK: Frames

    package enum FrameAction: Sendable {
        /// The first request is answered.
        case answer(WorkerAnswer, isToClose: Bool)
        /// The same, with a further finding.
        indirect case answerAfter(Aside, WorkerAnswer, isToClose: Bool)
        /// The first request is over without an answer.
        case unanswered(isClose: Bool)
        /// An error message that belongs to a request which is answered.
        case lateError(ByteBuffer)
        /// Write a probe.
        case probe
        /// It answered `{"stop":true}`: the first request is for another worker, and those behind it when it is the last
        /// that it writes.
        case refused(isLast: Bool)
        /// The worker is ready.
        case ready
        case nothing
        /// The frame is not an answer, for this reason.
        case broken(String)
    }

    package struct Aside: Sendable {
        /// An error message of the request before, which came late.
        package var lateError: ByteBuffer?
        /// Whether the worker has passed over a probe that was written before the request.
        package var ignoredProbe = false
    }

    /// A complete frame was received.
    ///
    /// - Parameters:
    ///   - isLast: Whether nothing that was read follows it.
    ///   - mayProbe: Whether the worker is known, or may be thought, to answer probes.
    package mutating func received(_ frame: Frame, isLast: Bool, mayProbe: Bool) -> FrameAction {
        switch self.state {
        case .talking, .refusing:
            break
        case .leaving:
            guard self.conversation.requests > 0 else {
                return .nothing
            }
        case .handshake:
            return self.receivedHandshake(frame, isLast: isLast)
        case .stopping:
            if frame.flags.contains(.control), self.conversation.owesReply {
                // The frame may reveal the habits of workers.
                _ = self.conversation.received(frame, isLast: isLast, mayProbe: mayProbe)
            }
            return .nothing
        case .broken, .closed:
            return .nothing
        }
        let action = self.conversation.received(frame, isLast: isLast, mayProbe: mayProbe)
        switch action {
        case .refused(isLast: false):
            if case .talking = self.state {
                self.state = .refusing
            }
        case .broken:
            self.state = .broken
        default:
            break
        }
        return action
    }

    private mutating func receivedHandshake(_ frame: Frame, isLast: Bool) -> FrameAction {
        guard frame.flags.contains(.control), let greeting = WorkerGreeting(payload: frame.payload) else {
            self.state = .broken
            return .broken("the first frame of a worker must be its pid")
        }
        guard isLast else {
            self.state = .broken
            return .broken("bytes after its pid")
        }
        self.state = .talking
        self.conversation = Conversation(
            greeting: frame.payload,
            isAnnounced: greeting.answersOnce,
            trial: self.trial
        )
        return .ready
    }

    // MARK: Silence

    package enum TickAction: Sendable {
        /// A frame is awaited: call again after the interval.
        case again
        /// No frame is awaited: call again an interval after the next request is written.
        case pause
        /// Write a probe; call again.
        case probe
        /// The probe gets no reply. The worker counts as free, since it has answered its request.
        case noReply
        /// The probe gets no reply, and an error frame has come. Either that is the answer; or it belongs to the request
        /// before, and the worker is busy: then its answer must not become the next request's. Replace the worker.
        case lastAnswer(WorkerAnswer)
        /// The frame that began behind an answer does not end.
        case broken(String)
    }

    /// An interval has passed.
    ///
    /// - Parameters:
    ///   - mayProbe: Whether the worker is known, or may be thought, to answer probes.
    ///   - knowsProbes: Whether it is known to: then silence means that it is busy.
    ///   - hasRead: Whether it has read all that was written, as far as that can be seen.
    package mutating func tick(
        _ interval: Interval,
        mayProbe: Bool,
        knowsProbes: Bool,
        hasRead: @autoclosure () -> Bool
    ) -> TickAction {
        guard case .talking = self.state else {
            return .pause
        }
        let action = self.conversation.tick(
            interval, mayProbe: mayProbe, knowsProbes: knowsProbes, hasRead: hasRead)
        if case .broken = action {
            self.state = .broken
        }
        return action
    }

    // MARK: The end

    /// The worker is unusable: it sent bytes that cannot be a frame, or its handshake takes too long.
    ///
    /// - Returns: Whether the pool must be notified: the worker had not been asked to end, or given up, before.
    package mutating func giveUp() -> Bool {
        switch self.state {
        case .handshake, .talking, .refusing, .leaving:
            self.state = .broken
            return true
        case .stopping, .broken, .closed:
            return false
        }
    }

    package enum StopAction: Sendable {
        /// Write the stop frame; the worker has `destroy_timeout` to end.
        case sendStop
        /// Kill the worker: it cannot be asked to end.
        case kill
        /// It was asked before, or is killed as soon as its output is gathered.
        case nothing
    }

    /// The worker is to end.
    package mutating func stop() -> StopAction {
        switch self.state {
        case .talking where self.conversation.requests == 0:
            self.state = .stopping
            return .sendStop
        case .refusing:
            self.state = .leaving
            return .sendStop
        case .handshake, .talking:
            self.state = .stopping
            return .kill
        case .leaving, .stopping, .broken, .closed:
            return .nothing
        }
    }

    package enum CloseAction: Sendable {
        /// It ended before it was ready.
        case startFailed
        /// It ended without being asked to, or has requests, of which it may have begun some: see ``begun(read:)``.
        case failed
        /// The same; its first request was answered by the error frame that came last.
        case failedAfter(WorkerAnswer)
        /// It was asked to end, or given up already.
        case nothing
    }

    /// The worker's end of the relay is closed: no further answer will come.
    package mutating func closed() -> CloseAction {
        defer { self.state = .closed }
        switch self.state {
        case .handshake:
            return .startFailed
        case .talking, .refusing, .leaving:
            return self.conversation.ended().map { .failedAfter($0) } ?? .failed
        case .stopping, .broken, .closed:
            return .nothing
        }
    }

    /// The number of requests, from the first on, that the worker has read at least in part.
    ///
    /// - Parameter read: The most bytes that the worker has read.
    package func read(_ read: Int) -> Int {
        self.conversation.read(read)
    }

    /// The number of requests, from the first on, that the worker has begun if it answers as it should: all that it has
    /// read if it gathers its answers, and otherwise at most the first.
    ///
    /// - Parameter read: The most bytes that the worker has read.
    package func begun(read: Int) -> Int {
        self.conversation.begun(read: read)
    }
}
